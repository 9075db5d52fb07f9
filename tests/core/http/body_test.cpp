// Bodies part by part: each framing in every cut, what lies behind a body, how it may end, and that what is written is read
// back as it was.

#include "core/http/body.hpp"

#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "tests/core/http/feed.hpp"
#include "tests/support/catch.hpp"

namespace weir::http::test {
namespace {

const Limits usual_limits;  // readers refer to it

using State = BodyReader::State;

// What reading came to.
struct Outcome {
  State state = State::open;
  std::string data;
  std::string trailers;
  std::string word;
  std::size_t consumed = 0;
  int lasts = 0;  // parts that said they were the last

  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << static_cast<int>(o.state) << " data=[" << o.data << "] trailers=[" << o.trailers << "] " << o.word << " "
             << o.consumed << " lasts=" << o.lasts;
}

// Takes over what one step brought, having looked at what holds of every step.
void take(Outcome& outcome, const BodyReader::Step& step, std::string_view input) {
  REQUIRE(step.consumed <= input.size());
  std::uint64_t size = 0;
  for (const std::string_view piece : step.part.pieces) {
    CHECK_FALSE(piece.empty());
    CHECK(piece.data() >= input.data());
    CHECK(piece.data() + piece.size() <= input.data() + step.consumed);
    outcome.data.append(piece);
    size += piece.size();
  }
  CHECK(step.part.size == size);
  outcome.consumed += step.consumed;
  outcome.lasts += step.part.last ? 1 : 0;
  outcome.trailers.append(step.part.trailers);
  if (!step.part.last) CHECK(step.part.trailers.empty());
}

// Feeds the parts that `cuts` make of the input, each from memory of its own, until the body ends.
Outcome read_cut(std::string_view input, Framing framing, std::uint64_t length, const std::vector<std::size_t>& cuts,
                 const Limits& limits = {}) {
  BodyReader reader;
  reader.reset(framing, length, limits);
  Outcome outcome;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size() && reader.state() == State::open; ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : input.size();
    const Copy part(input.substr(begin, end - begin));
    begin = end;
    for (std::string_view rest = part.view(); !rest.empty() && reader.state() == State::open;) {
      const BodyReader::Step step = reader.next(rest);
      take(outcome, step, rest);
      CHECK(step.part.last == (reader.state() == State::done));
      REQUIRE((step.consumed > 0 || reader.state() == State::refused));
      rest.remove_prefix(step.consumed);
    }
  }
  outcome.state = reader.state();
  if (framing == Framing::chunked) outcome.word = reader.refusal_word();
  return outcome;
}

// The outcome in one piece, having checked that each cut in two, and one byte at a time, comes to the same.
Outcome read(std::string_view input, Framing framing, std::uint64_t length = 0, const Limits& limits = {}) {
  const Outcome whole = read_cut(input, framing, length, {}, limits);
  std::vector<std::size_t> each;
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    INFO("cut at " << cut);
    Outcome halves = read_cut(input, framing, length, {cut}, limits);
    if (whole.state == State::refused) halves.consumed = whole.consumed;  // how far a refused one was looked at is open
    CHECK(halves == whole);
    each.push_back(cut);
  }
  Outcome bytes = read_cut(input, framing, length, each, limits);
  if (whole.state == State::refused) bytes.consumed = whole.consumed;
  CHECK(bytes == whole);
  return whole;
}

std::string written(const BodyPart& part, Framing framing) {
  BufferPool pool;
  SliceWriter out;
  out.reset(pool);
  write_body_part(part, framing, out);
  CHECK_FALSE(out.overflowed());
  std::string text;
  for (const IoSlice& slice : out.slices()) text.append(slice.data, slice.size);
  return text;
}

BodyPart part_of(const std::vector<std::string_view>& pieces, bool last, std::string_view trailers = {}) {
  BodyPart part;
  part.pieces = pieces;
  for (const std::string_view piece : pieces) part.size += piece.size();
  part.last = last;
  part.trailers = trailers;
  return part;
}

}  // namespace

TEST_CASE("a message without a body has ended before anything is read") {
  const auto [framing, length] = GENERATE(table<Framing, std::uint64_t>({{Framing::none, 0}, {Framing::none, 7}, {Framing::length, 0}}));
  BodyReader reader;
  reader.reset(framing, length, usual_limits);
  CHECK(reader.state() == State::done);
  CHECK(reader.framing() == framing);
  CHECK(reader.end_by_close());
  const BodyReader::Step step = reader.next("GET / HTTP/1.1\r\n");
  CHECK(step.consumed == 0);
  CHECK(step.part.size == 0);
  CHECK(step.part.pieces.empty());
  CHECK(step.part.last);
}

TEST_CASE("a body with a length ends with its last byte, and what follows is not consumed") {
  CHECK(read("hello", Framing::length, 5) == Outcome{State::done, "hello", "", "", 5, 1});
  CHECK(read("helloGET / HTTP/1.1\r\n\r\n", Framing::length, 5) == Outcome{State::done, "hello", "", "", 5, 1});
  CHECK(read("hell", Framing::length, 5) == Outcome{State::open, "hell", "", "", 4, 0});
  CHECK(read("", Framing::length, 5) == Outcome{State::open, "", "", "", 0, 0});
  CHECK(read("x", Framing::length, UINT64_MAX) == Outcome{State::open, "x", "", "", 1, 0});
}

TEST_CASE("a chunked body is its chunks' data, and what follows is not consumed") {
  CHECK(read("5\r\nhello\r\n0\r\n\r\n", Framing::chunked) == Outcome{State::done, "hello", "", "", 15, 1});
  CHECK(read("0\r\n\r\n", Framing::chunked) == Outcome{State::done, "", "", "", 5, 1});
  CHECK(read("1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\nPOST", Framing::chunked) == Outcome{State::done, "abc", "", "", 22, 1});
  CHECK(read("5\r\nhel", Framing::chunked) == Outcome{State::open, "hel", "", "", 6, 0});
  CHECK(read("5\r\nhello\r\n0\r\n", Framing::chunked) == Outcome{State::open, "hello", "", "", 13, 0});
}

TEST_CASE("trailers come with the last part") {
  CHECK(read("3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\nGET", Framing::chunked) ==
        Outcome{State::done, "abc", "X-Sum: 1\r\nX-More: 2\r\n", "", 34, 1});
  CHECK(read("0\r\nContent-Length: 9\r\n\r\n", Framing::chunked) == Outcome{State::done, "", "", "", 24, 1});
}

TEST_CASE("a broken chunked coding is refused with its word, and the data before it was good") {
  CHECK(read("1\r\na\r\nx\r\n", Framing::chunked).state == State::refused);
  CHECK(read("1\r\na\r\nx\r\n", Framing::chunked).word == "bad-chunk-size");
  CHECK(read("1\r\na\r\nx\r\n", Framing::chunked).data == "a");
  CHECK(read("2\r\nabc\r\n", Framing::chunked).word == "no-crlf-behind-chunk");
  CHECK(read("1\nz", Framing::chunked).word == "bare-lf");
  CHECK(read("fffffffffffffffff\r\n", Framing::chunked).word == "chunk-size-overflow");
  Limits narrow;
  narrow.trailers = 8;
  CHECK(read("0\r\nX-Sum: 123\r\n\r\n", Framing::chunked, 0, narrow).word == "trailers-too-long");
  narrow.chunk_line = 4;
  CHECK(read("1;abcdef\r\na\r\n", Framing::chunked, 0, narrow).word == "chunk-line-too-long");
}

TEST_CASE("a refused body stays refused and takes nothing more") {
  BodyReader reader;
  reader.reset(Framing::chunked, 0, usual_limits);
  CHECK(reader.next("x").part.size == 0);
  REQUIRE(reader.state() == State::refused);
  const BodyReader::Step step = reader.next("5\r\nhello\r\n0\r\n\r\n");
  CHECK(step.consumed == 0);
  CHECK_FALSE(step.part.last);
  CHECK_FALSE(reader.end_by_close());
  CHECK(reader.state() == State::refused);
}

TEST_CASE("only a body that is delimited by the close ends with it") {
  CHECK(read("anything at all", Framing::until_close) == Outcome{State::open, "anything at all", "", "", 15, 0});
  struct Row {
    Framing framing;
    std::string_view received;
    bool ends;
  };
  const Row row = GENERATE(values<Row>({{Framing::until_close, "", true},
                                        {Framing::until_close, "some", true},
                                        {Framing::length, "", false},
                                        {Framing::length, "some", false},
                                        {Framing::length, "all of it!", true},
                                        {Framing::chunked, "", false},
                                        {Framing::chunked, "4\r\nsome\r\n", false},
                                        {Framing::chunked, "4\r\nsome\r\n0\r\n", false},
                                        {Framing::chunked, "4\r\nsome\r\n0\r\n\r\n", true}}));
  BodyReader reader;
  reader.reset(row.framing, 10, usual_limits);
  if (!row.received.empty()) static_cast<void>(reader.next(row.received));
  INFO(row.received);
  CHECK(reader.end_by_close() == row.ends);
  CHECK((reader.state() == State::done) == row.ends);
}

TEST_CASE("many small chunks take several parts, and none of them is lost") {
  std::string coded, data;
  for (int i = 0; i < 100; ++i) {
    coded += "1\r\n" + std::string(1, static_cast<char>('a' + i % 26)) + "\r\n";
    data += static_cast<char>('a' + i % 26);
  }
  coded += "0\r\n\r\n";
  BodyReader reader;
  reader.reset(Framing::chunked, 0, usual_limits);
  const BodyReader::Step first = reader.next(coded);
  CHECK(first.part.pieces.size() < 100);
  CHECK(first.part.pieces.size() > 1);
  CHECK_FALSE(first.part.last);
  CHECK(first.consumed < coded.size());
  CHECK(read_cut(coded, Framing::chunked, 0, {}) == Outcome{State::done, data, "", "", coded.size(), 1});
}

TEST_CASE("a reader that is reset remembers nothing") {
  BodyReader reader;
  const Limits limits;
  reader.reset(Framing::chunked, 0, limits);
  static_cast<void>(reader.next("0\r\nX-Sum: 1\r\n\r\n"));
  REQUIRE(reader.state() == State::done);
  reader.reset(Framing::chunked, 0, limits);
  CHECK(reader.state() == State::open);
  const BodyReader::Step step = reader.next("2\r\nab\r\n0\r\n\r\n");
  CHECK(step.part.size == 2);
  CHECK(step.part.trailers.empty());
  reader.reset(Framing::length, 3, limits);
  CHECK(reader.next("xyzw").consumed == 3);
}

TEST_CASE("a part is written as one chunk, and the last one ends the body") {
  CHECK(written(part_of({"hel", "lo"}, false), Framing::chunked) == "5\r\nhello\r\n");
  CHECK(written(part_of({"0123456789abcdef0"}, false), Framing::chunked) == "11\r\n0123456789abcdef0\r\n");
  CHECK(written(part_of({"x"}, true), Framing::chunked) == "1\r\nx\r\n0\r\n\r\n");
  CHECK(written(part_of({}, true), Framing::chunked) == "0\r\n\r\n");
  CHECK(written(part_of({}, true, "X-Sum: 1\r\n"), Framing::chunked) == "0\r\nX-Sum: 1\r\n\r\n");
}

TEST_CASE("an empty part in the middle writes nothing: it would end a chunked body") {
  const Framing framing = GENERATE(Framing::none, Framing::length, Framing::chunked, Framing::until_close);
  CHECK(written(part_of({}, false), framing).empty());
}

TEST_CASE("without the chunked coding the bytes go out as they are, and trailers cannot be sent") {
  const Framing framing = GENERATE(Framing::length, Framing::until_close);
  CHECK(written(part_of({"hel", "lo"}, false), framing) == "hello");
  CHECK(written(part_of({"x"}, true, "X-Sum: 1\r\n"), framing) == "x");
  CHECK(written(part_of({}, true), framing).empty());
}

TEST_CASE("where a message has no body nothing is written of one") {
  CHECK(written(part_of({"hello"}, true, "X-Sum: 1\r\n"), Framing::none).empty());
}

TEST_CASE("what is written is read back, whatever the parts and the cuts") {
  Rng rng(8);
  for (int round = 0; round < 500; ++round) {
    const Framing framing = std::array{Framing::length, Framing::chunked, Framing::until_close}[rng.below(3)];
    std::string data(rng.below(300), '\0');
    for (char& c : data) c = static_cast<char>(rng.below(256));
    std::string trailers;
    std::string coded;
    for (std::size_t at = 0; at < data.size();) {
      const std::string_view some = std::string_view(data).substr(at, rng.between(1, 60));
      const std::size_t split = rng.below(some.size() + 1);
      at += some.size();
      coded += written(part_of({some.substr(0, split), some.substr(split)}, false), framing);
    }
    if (framing == Framing::chunked && rng.below(2) == 0) trailers = "X-Round: " + std::to_string(round) + "\r\n";
    coded += written(part_of({}, true, trailers), framing);
    const std::string behind = framing == Framing::until_close ? "" : "GET / HTTP/1.1\r\n";
    std::vector<std::size_t> cuts;
    for (std::size_t cut = rng.below(40); cut < coded.size() + behind.size(); cut += rng.below(40)) cuts.push_back(cut);
    INFO("round " << round);
    const Outcome outcome = read_cut(coded + behind, framing, data.size(), cuts);
    CHECK(outcome.data == data);
    CHECK(outcome.trailers == trailers);
    const bool by_close = framing == Framing::until_close;
    CHECK(outcome.consumed == (data.empty() && framing == Framing::length ? 0 : coded.size()));
    if (!by_close) CHECK(outcome.state == State::done);
  }
}

}  // namespace weir::http::test
