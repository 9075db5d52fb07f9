// The chunked coding: every cut gives the same body and verdict, and what is encoded is decoded to itself.

#include "core/http/chunked.hpp"
#include "tests/fuzz/h1_invariants.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {
namespace {

using Status = http::ChunkedDecoder::Status;

struct Decoded {
  Status status = Status::need_more;
  std::string data;
  std::string trailers;
  std::string_view word;
  std::size_t consumed = 0;
};

template <class NextSize>
Decoded decode(std::string_view input, const http::Limits& limits, NextSize next_size) {
  http::ChunkedDecoder decoder;
  decoder.reset(limits);
  Decoded result;
  while (result.status == Status::need_more) {
    const Exact part(input.substr(result.consumed, next_size()));
    for (std::string_view rest = part.view();;) {
      const http::ChunkedDecoder::Piece piece = decoder.next(rest);
      WEIR_VERIFY(piece.consumed <= rest.size());
      WEIR_VERIFY(piece.status == Status::data ? !piece.data.empty() : piece.data.empty());
      WEIR_VERIFY(piece.status != Status::need_more || piece.consumed == rest.size());
      result.consumed += piece.consumed;
      result.data.append(piece.data);
      rest.remove_prefix(piece.consumed);
      result.status = piece.status;
      if (piece.status != Status::data) break;
    }
    if (result.consumed == input.size()) break;
  }
  result.trailers = decoder.trailers();
  result.word = decoder.refusal_word();
  WEIR_VERIFY((result.status == Status::refused) == !result.word.empty());
  return result;
}

void check_same(const Decoded& a, const Decoded& b) {
  WEIR_VERIFY(a.status == b.status && a.data == b.data && a.word == b.word);
  if (a.status == Status::done) WEIR_VERIFY(a.consumed == b.consumed && a.trailers == b.trailers);
}

std::string encode(std::string_view body, Rng& rng) {
  std::string coded;
  while (!body.empty()) {
    const std::string_view data = body.substr(0, rng.between(1, 40));
    body.remove_prefix(data.size());
    char line[http::max_chunk_line];
    coded.append(line, http::write_chunk_line(data.size(), line)).append(data).append("\r\n");
  }
  return coded;
}

void check_with(std::string_view input, const http::Limits& limits) {
  Rng rng = rng_for(input);
  const auto everything = [&input] { return input.size(); };
  const Decoded whole = decode(input, limits, everything);
  check_same(whole, decode(input, limits, [] { return std::size_t{1}; }));
  check_same(whole, decode(input, limits, [&rng] { return rng.between(1, 50); }));
  if (whole.status == Status::done) {
    WEIR_VERIFY(whole.trailers.size() <= limits.trailers);
    const std::string again = encode(whole.data, rng) + "0\r\n" + whole.trailers + "\r\n";
    const Decoded second = decode(again, limits, [&again] { return again.size(); });
    WEIR_VERIFY(second.status == Status::done && second.consumed == again.size());
    WEIR_VERIFY(second.data == whole.data && second.trailers == whole.trailers);
  }
}

}  // namespace

void chunked(std::string_view input) {
  check_with(input, http::Limits{});
  http::Limits narrow;
  narrow.trailers = 16;
  narrow.chunk_line = 8;
  check_with(input, narrow);

  Rng rng = rng_for(input);
  const std::string coded = encode(input, rng) + std::string(http::last_chunk);
  const Decoded decoded = decode(coded, http::Limits{}, [&rng] { return rng.between(1, 30); });
  WEIR_VERIFY(decoded.status == Status::done && decoded.data == input && decoded.consumed == coded.size());
}

}  // namespace weir::fuzz
