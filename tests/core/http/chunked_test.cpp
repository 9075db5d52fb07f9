// The chunked coding: what is decoded, what is refused, and that the cut of the input makes no difference.

#include "core/http/chunked.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "tests/support/catch.hpp"

namespace weir::http::test {
namespace {

using namespace std::string_view_literals;
using Status = ChunkedDecoder::Status;

struct Outcome {
  Status status = Status::need_more;
  std::string data;
  std::string trailers;
  std::string word;
  std::size_t consumed = 0;

  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << static_cast<int>(o.status) << " data=[" << o.data << "] trailers=[" << o.trailers << "] " << o.word
             << " " << o.consumed;
}

// Feeds the parts that `cuts` make of the input, each from memory of its own.
Outcome decode_cut(std::string_view input, const std::vector<std::size_t>& cuts, const Limits& limits) {
  ChunkedDecoder decoder;
  decoder.reset(limits);
  Outcome outcome;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : input.size();
    const auto bytes = std::make_unique<char[]>(end - begin);
    if (end > begin) std::memcpy(bytes.get(), input.data() + begin, end - begin);
    std::string_view part(bytes.get(), end - begin);
    begin = end;
    for (;;) {
      const ChunkedDecoder::Piece piece = decoder.next(part);
      outcome.consumed += piece.consumed;
      outcome.status = piece.status;
      outcome.data.append(piece.data);
      REQUIRE(piece.consumed <= part.size());
      if (piece.status != Status::data) {
        CHECK(piece.data.empty());
        break;
      }
      CHECK_FALSE(piece.data.empty());
      CHECK(piece.data.data() + piece.data.size() == part.data() + piece.consumed);
      part.remove_prefix(piece.consumed);
    }
    if (outcome.status == Status::need_more) continue;
    break;
  }
  outcome.trailers = decoder.trailers();
  outcome.word = decoder.refusal_word();
  return outcome;
}

Outcome decode(std::string_view input, const Limits& limits = {}) {
  const Outcome whole = decode_cut(input, {}, limits);
  std::vector<std::size_t> each;
  const std::size_t step = input.size() > 1000 ? 41 : 1;
  for (std::size_t i = 0; i < input.size(); i += step) each.push_back(i);
  const auto same = [&whole](const Outcome& parted) {
    CHECK(parted.status == whole.status);
    CHECK(parted.word == whole.word);
    CHECK(parted.data == whole.data);
    if (whole.status == Status::done) CHECK(parted == whole);
  };
  same(decode_cut(input, each, limits));
  for (const std::size_t cut : each) same(decode_cut(input, {cut}, limits));
  return whole;
}

TEST_CASE("chunks are joined to the body") {
  const Outcome outcome = decode("4\r\nWiki\r\n5\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n0\r\n\r\n");
  CHECK(outcome.status == Status::done);
  CHECK(outcome.data == "Wikipedia in\r\n\r\nchunks.");
  CHECK(outcome.trailers.empty());
}

TEST_CASE("a trailer that may not be one is dropped, with an underscore for a hyphen as well") {
  for (const std::string name : {"X-Forwarded-For", "X_Forwarded_For", "x-forwarded_proto", "X_Real_IP", "X-Request_ID",
                                 "Content_Length", "Set_Cookie", "Max-Forwards"}) {
    INFO(name);
    const Outcome outcome = decode("0\r\n" + name + ": evil\r\nX_Check: 1\r\n\r\n");
    CHECK(outcome.status == Status::done);
    CHECK(outcome.trailers == "X_Check: 1\r\n");
  }
  const std::string long_name = "X_" + std::string(100, 'a');
  CHECK(decode("0\r\n" + long_name + ": 1\r\n\r\n").trailers == long_name + ": 1\r\n");
}

TEST_CASE("bytes behind the body are not consumed") {
  const std::string_view body = "1\r\na\r\n0\r\n\r\n";
  const Outcome outcome = decode(std::string(body) + "GET / HTTP/1.1\r\n");
  CHECK(outcome.status == Status::done);
  CHECK(outcome.consumed == body.size());
}

TEST_CASE("well-formed chunk lines") {
  for (const std::string_view line :
       {"5"sv, "05"sv, "0000000000000005"sv, "5;a"sv, "5;a=b"sv, "5;a;b=c;d"sv, "5;a=\"b c\""sv, "5;a=\"\""sv,
        "5;a=\"\\\"\\\\;\t\""sv, "5;a=\"\xc3\xa4\";b"sv, "5;!#$%&'*+-.^_`|~=~"sv}) {
    CAPTURE(line);
    const Outcome outcome = decode(std::string(line) + "\r\nhello\r\n0\r\n\r\n");
    CHECK(outcome.status == Status::done);
    CHECK(outcome.data == "hello");
  }
  CHECK(decode("a\r\n0123456789\r\n000;x=y\r\n\r\n").data == "0123456789");
  CHECK(decode("A\r\n0123456789\r\n00\r\n\r\n").status == Status::done);
}

TEST_CASE("a size up to 2^63 - 1 is taken, a larger one or one of 17 digits refused") {
  const Outcome outcome = decode("7fffffffffffffff\r\nabc");
  CHECK(outcome.status == Status::need_more);
  CHECK(outcome.data == "abc");
  CHECK(decode("8000000000000000\r\n").word == "chunk-size-overflow");
  CHECK(decode("ffffffffffffffff\r\n").word == "chunk-size-overflow");
  CHECK(decode("10000000000000000\r\n").word == "chunk-size-overflow");
  CHECK(decode("00000000000000001\r\n").word == "chunk-size-overflow");
}

struct Vector {
  const char* name;
  std::string_view bytes;
  std::string_view word;
};

const Vector vectors[] = {
    {"no size", "\r\n", "bad-chunk-size"},
    {"a size with plus", "+5\r\n", "bad-chunk-size"},
    {"a size with minus", "-5\r\n", "bad-chunk-size"},
    {"a size with 0x", "0x5\r\n", "bad-chunk-size"},
    {"a space before the size", " 5\r\n", "bad-chunk-size"},
    {"a space behind the size", "5 \r\n", "bad-chunk-size"},
    {"a tab behind the size", "5\t\r\n", "bad-chunk-size"},
    {"a space before an extension", "5 ;a\r\n", "bad-chunk-size"},
    {"a letter that is no digit", "5g\r\n", "bad-chunk-size"},
    {"an underscore in the size", "1_0\r\n", "bad-chunk-size"},
    {"NUL in the size", "5\0\r\n"sv, "bad-chunk-size"},
    {"an extension without size", ";a\r\n", "bad-chunk-size"},
    {"LF behind the size", "5\nhello\r\n", "bare-lf"},
    {"LF in front", "\n5\r\n", "bare-lf"},
    {"CR without LF behind the size", "5\rhello\r\n", "bare-cr"},
    {"CR CR LF behind the size", "5\r\r\nhello\r\n", "bare-cr"},
    {"an empty extension", "5;\r\n", "bad-chunk-extension"},
    {"two semicolons", "5;;a\r\n", "bad-chunk-extension"},
    {"a space before a name", "5; a\r\n", "bad-chunk-extension"},
    {"a space behind a name", "5;a \r\n", "bad-chunk-extension"},
    {"a space before the equals sign", "5;a =b\r\n", "bad-chunk-extension"},
    {"a space behind the equals sign", "5;a= b\r\n", "bad-chunk-extension"},
    {"no value", "5;a=\r\n", "bad-chunk-extension"},
    {"no value before a semicolon", "5;a=;b\r\n", "bad-chunk-extension"},
    {"no name", "5;=b\r\n", "bad-chunk-extension"},
    {"two equals signs", "5;a=b=c\r\n", "bad-chunk-extension"},
    {"an open quote", "5;a=\"b\r\n", "bad-chunk-extension"},
    {"text behind a quote", "5;a=\"b\"c\r\n", "bad-chunk-extension"},
    {"a quote inside a token", "5;a=b\"c\"\r\n", "bad-chunk-extension"},
    {"a quote behind a token", "5;a=b\"\r\n", "bad-chunk-extension"},
    {"NUL in a quote", "5;a=\"\0\"\r\n"sv, "bad-chunk-extension"},
    {"a control character escaped", "5;a=\"\\\x01\"\r\n", "bad-chunk-extension"},
    {"LF in an extension", "5;a\nhello\r\n", "bare-lf"},
    {"LF in a quote", "5;a=\"\n\"\r\n", "bare-lf"},
    {"CR in a quote", "5;a=\"\r\n\"\r\n", "bad-chunk-extension"},
    {"a byte above ASCII as name", "5;\xc3\xa4\r\n", "bad-chunk-extension"},
    {"data longer than its size", "5\r\nhello!\r\n", "no-crlf-behind-chunk"},
    {"data shorter than its size", "5\r\nhell\r\n0\r\n\r\n", "bare-lf"},
    {"LF behind data", "5\r\nhello\n0\r\n\r\n", "bare-lf"},
    {"CR without LF behind data", "5\r\nhello\r0\r\n\r\n", "bare-cr"},
    {"the next size without CRLF", "5\r\nhello0\r\n\r\n", "no-crlf-behind-chunk"},
    {"LF as the end", "0\r\n\n", "bare-lf"},
    {"LF behind a trailer", "0\r\nA: b\n\r\n", "bare-lf"},
    {"CR as the end", "0\r\n\rX\r\n", "bare-cr"},
    {"CR in a trailer", "0\r\nA: b\rc\r\n\r\n", "bare-cr"},
    {"NUL in a trailer", "0\r\nA: \0\r\n\r\n"sv, "nul"},
    {"a control character in a trailer", "0\r\nA: \x02\r\n\r\n", "control-character"},
    {"a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "obs-fold"},
    {"a space before a trailer", "0\r\n A: b\r\n\r\n", "obs-fold"},
    {"a space before the colon of a trailer", "0\r\nA : b\r\n\r\n", "space-before-colon"},
    {"a trailer without name", "0\r\n: b\r\n\r\n", "empty-name"},
    {"a trailer with a bad name", "0\r\nA(: b\r\n\r\n", "bad-name"},
    {"a trailer without colon", "0\r\nGET / HTTP/1.1\r\n\r\n", "no-colon"},
};

TEST_CASE("every malformed chunked body is refused by the same word however its bytes are cut") {
  for (const Vector& v : vectors) {
    CAPTURE(v.name);
    const Outcome outcome = decode(v.bytes);
    CHECK(outcome.status == Status::refused);
    CHECK(outcome.word == v.word);
  }
}

TEST_CASE("a refusal stays") {
  const Limits limits;
  ChunkedDecoder decoder;
  decoder.reset(limits);
  CHECK(decoder.next("x").status == Status::refused);
  CHECK(decoder.next("0\r\n\r\n").status == Status::refused);
  decoder.reset(limits);
  CHECK(decoder.next("0\r\n\r\n").status == Status::done);
  CHECK(decoder.refusal_word().empty());
  CHECK(decoder.next("more").consumed == 0);
}

TEST_CASE("trailers are kept as they are, without the forbidden ones") {
  CHECK(decode("0\r\nA: b\r\nx-checksum:\t1 \r\n\r\n").trailers == "A: b\r\nx-checksum:\t1 \r\n");
  for (const std::string_view name : {"Transfer-Encoding",
                                      "Content-Length",
                                      "Host",
                                      "Trailer",
                                      "Connection",
                                      "TE",
                                      "Upgrade",
                                      "Keep-Alive",
                                      "Authorization",
                                      "Cookie",
                                      "Set-Cookie",
                                      "WWW-Authenticate",
                                      "Proxy-Authenticate",
                                      "Proxy-Authorization",
                                      "Cache-Control",
                                      "Expect",
                                      "Max-Forwards",
                                      "Pragma",
                                      "Range",
                                      "If-Match",
                                      "Age",
                                      "Expires",
                                      "Date",
                                      "Location",
                                      "Retry-After",
                                      "Vary",
                                      "Warning",
                                      "Content-Encoding",
                                      "Content-Type",
                                      "Content-Range",
                                      "X-Forwarded-For",
                                      "x-forwarded-port",
                                      "Forwarded",
                                      "Via",
                                      "X-Real-IP",
                                      "X-Request-ID"}) {
    CAPTURE(name);
    const Outcome outcome = decode("0\r\nA: 1\r\n" + std::string(name) + ": 2\r\nB: 3\r\n\r\n");
    CHECK(outcome.status == Status::done);
    CHECK(outcome.trailers == "A: 1\r\nB: 3\r\n");
  }
}

TEST_CASE("a reset forgets the trailers of the last body") {
  const Limits limits;
  ChunkedDecoder decoder;
  decoder.reset(limits);
  CHECK(decoder.next("0\r\nA: b\r\n\r").status == Status::need_more);
  decoder.reset(limits);
  CHECK(decoder.next("0\r\n\r\n").status == Status::done);
  CHECK(decoder.trailers().empty());
}

TEST_CASE("chunk lines and trailers have limits") {
  Limits limits;
  limits.chunk_line = 10;
  CHECK(decode("1;a=\"456789\"\r\n", limits).word == "chunk-line-too-long");
  CHECK(decode("1;a=\"4567\"\r\nx\r\n0;2345678\r\n\r\n", limits).word.empty());
  CHECK(decode("1;a=\"4567\"\r\nx\r\n0;23456789\r\n\r\n", limits).status == Status::done);
  CHECK(decode("1;a=\"4567\"\r\nx\r\n0;234567890\r\n\r\n", limits).word == "chunk-line-too-long");
  limits.trailers = 12;
  CHECK(decode("0\r\nA: b\r\nC: d\r\n\r\n", limits).status == Status::done);
  CHECK(decode("0\r\nA: b\r\nC: dd\r\n\r\n", limits).word == "trailers-too-long");
  CHECK(decode("0\r\nDate: 12\r\nA: b\r\n\r\n", limits).word == "trailers-too-long");  // dropped ones count
  CHECK(decode("0\r\n" + std::string(13, 'x'), limits).word == "trailers-too-long");
  CHECK(decode("0\r\n" + std::string(11, 'x'), limits).status == Status::need_more);
  limits.trailers = 0;
  CHECK(decode("0\r\n\r\n", limits).status == Status::done);
  CHECK(decode("0\r\nA", limits).word == "trailers-too-long");
}

TEST_CASE("what is written in chunks is read as what it was") {
  Rng rng(20250101);
  for (int round = 0; round < 200; ++round) {
    std::string body;
    std::string coded;
    for (std::uint64_t chunk = rng.below(8); chunk > 0; --chunk) {
      std::string data(rng.between(1, 300), '\0');
      for (char& c : data) c = static_cast<char>(rng.below(256));
      char line[max_chunk_line];
      coded.append(line, write_chunk_line(data.size(), line)).append(data).append("\r\n");
      body += data;
    }
    coded += last_chunk;
    std::vector<std::size_t> cuts;
    for (std::size_t at = 0; at < coded.size(); at += rng.between(1, 100)) cuts.push_back(at);
    const Outcome outcome = decode_cut(coded, cuts, Limits{});
    CHECK(outcome.status == Status::done);
    CHECK(outcome.data == body);
    CHECK(outcome.consumed == coded.size());
  }
}

TEST_CASE("a chunk line is the size in hex") {
  char out[max_chunk_line];
  const auto written = [&out](std::uint64_t size) { return std::string(out, write_chunk_line(size, out)); };
  CHECK(written(0) == "0\r\n");
  CHECK(written(15) == "f\r\n");
  CHECK(written(0x1a2b) == "1a2b\r\n");
  CHECK(written(UINT64_MAX) == "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace weir::http::test
