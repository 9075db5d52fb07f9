#include "core/http/body.hpp"

#include <algorithm>

namespace weir::http {

void BodyReader::reset(Framing framing, std::uint64_t length, const Limits& limits) noexcept {
  framing_ = framing;
  left_ = length;
  const bool empty = framing == Framing::none || (framing == Framing::length && length == 0);
  state_ = empty ? State::done : State::open;
  if (framing == Framing::chunked) chunks_.reset(limits);
}

BodyReader::Step BodyReader::next(std::string_view input) noexcept {
  if (state_ != State::open) {
    Step step;
    step.part.last = state_ == State::done;
    return step;
  }
  return framing_ == Framing::chunked ? chunks(input) : whole(input);
}

// With a length, or until the sender closes: data and nothing else.
BodyReader::Step BodyReader::whole(std::string_view input) noexcept {
  if (framing_ == Framing::length) {
    input = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
    left_ -= input.size();
    if (left_ == 0) state_ = State::done;
  }
  Step step;
  pieces_[0] = input;
  step.part.pieces = {pieces_.data(), input.empty() ? std::size_t{0} : std::size_t{1}};
  step.part.size = step.consumed = input.size();
  step.part.last = state_ == State::done;
  return step;
}

BodyReader::Step BodyReader::chunks(std::string_view input) noexcept {
  Step step;
  std::size_t count = 0;
  while (step.consumed < input.size() && count < max_pieces && state_ == State::open) {
    const ChunkedDecoder::Piece piece = chunks_.next(input.substr(step.consumed));
    step.consumed += piece.consumed;
    if (piece.status == ChunkedDecoder::Status::done) state_ = State::done;
    if (piece.status == ChunkedDecoder::Status::refused) state_ = State::refused;
    if (piece.status != ChunkedDecoder::Status::data || piece.data.empty()) continue;
    pieces_[count++] = piece.data;
    step.part.size += piece.data.size();
  }
  step.part.pieces = {pieces_.data(), count};
  step.part.last = state_ == State::done;
  if (step.part.last) step.part.trailers = chunks_.trailers();
  return step;
}

bool BodyReader::end_by_close() noexcept {
  if (state_ == State::open && framing_ == Framing::until_close) state_ = State::done;
  return state_ == State::done;
}

void write_body_part(const BodyPart& part, Framing framing, SliceWriter& out) noexcept {
  if (framing == Framing::none) return;
  const bool chunked = framing == Framing::chunked;
  if (chunked && part.size > 0) {
    std::array<char, max_chunk_line> line;
    out.copy({line.data(), write_chunk_line(part.size, line.data())});
  }
  for (const std::string_view piece : part.pieces) out.append_view(piece);
  if (!chunked) return;
  if (part.size > 0) out.copy("\r\n");
  if (!part.last) return;
  out.copy("0\r\n");
  out.append_view(part.trailers);
  out.copy("\r\n");
}

}  // namespace weir::http
