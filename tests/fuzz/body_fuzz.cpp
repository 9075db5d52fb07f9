// Bodies in each framing: every cut gives the same body and the same end, nothing behind a body is consumed, and what is
// written is read back.

#include "core/http/body.hpp"
#include "tests/fuzz/h1_invariants.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {
namespace {

using State = http::BodyReader::State;

struct Body {
  State state = State::open;
  bool ends_by_close = false;  // if its sender closes now
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
};

void take(Body& body, const http::BodyReader::Step& step, std::string_view input, State state) {
  WEIR_VERIFY(step.consumed <= input.size());
  std::uint64_t size = 0;
  for (const std::string_view piece : step.part.pieces) {
    WEIR_VERIFY(!piece.empty() && piece.data() >= input.data());
    WEIR_VERIFY(piece.data() + piece.size() <= input.data() + step.consumed);
    body.data.append(piece);
    size += piece.size();
  }
  WEIR_VERIFY(step.part.size == size);
  WEIR_VERIFY(step.part.last == (state == State::done));
  WEIR_VERIFY(step.part.last || step.part.trailers.empty());
  WEIR_VERIFY(step.consumed > 0 || state != State::open || input.empty());
  body.consumed += step.consumed;
  body.trailers.append(step.part.trailers);
}

template <class NextSize>
Body read(std::string_view input, http::Framing framing, std::uint64_t length, NextSize next_size) {
  const http::Limits limits;
  http::BodyReader reader;
  reader.reset(framing, length, limits);
  Body body;
  for (std::size_t at = 0; at < input.size() && reader.state() == State::open;) {
    const Exact part(input.substr(at, next_size()));
    at += part.size;
    for (std::string_view rest = part.view(); !rest.empty() && reader.state() == State::open;) {
      const http::BodyReader::Step step = reader.next(rest);
      take(body, step, rest, reader.state());
      rest.remove_prefix(step.consumed);
    }
  }
  body.state = reader.state();
  body.ends_by_close = reader.end_by_close();
  if (body.state != State::open) WEIR_VERIFY(reader.next(input).consumed == 0);
  return body;
}

void check_same(const Body& a, const Body& b) {
  WEIR_VERIFY(a.state == b.state && a.data == b.data && a.ends_by_close == b.ends_by_close);
  if (a.state != State::refused) WEIR_VERIFY(a.consumed == b.consumed && a.trailers == b.trailers);
}

Body check_cuts(std::string_view input, http::Framing framing, std::uint64_t length) {
  Rng rng = rng_for(input);
  const Body whole = read(input, framing, length, [&input] { return input.size(); });
  check_same(whole, read(input, framing, length, [] { return std::size_t{1}; }));
  check_same(whole, read(input, framing, length, [&rng] { return rng.between(1, 50); }));
  return whole;
}

// The body in parts of random sizes, as they are sent in that framing.
std::string write(std::string_view data, std::string_view trailers, http::Framing framing, Rng& rng) {
  BufferPool pool;
  std::string sent;
  bool last = false;
  do {
    const std::string_view some = data.substr(0, rng.below(60));
    data.remove_prefix(some.size());
    last = data.empty();
    const std::size_t split = rng.below(some.size() + 1);
    const std::string_view pieces[] = {some.substr(0, split), some.substr(split)};
    http::BodyPart part;
    part.pieces = pieces;
    part.size = some.size();
    part.last = last;
    if (last) part.trailers = trailers;
    http::SliceWriter out;
    out.reset(pool);
    http::write_body_part(part, framing, out);
    for (const IoSlice& slice : out.slices()) sent.append(slice.data, slice.size);
  } while (!last);
  return sent;
}

void check_round_trip(std::string_view data, std::string_view trailers, http::Framing framing, Rng& rng) {
  const std::string sent = write(data, trailers, framing, rng);
  const Body again = read(sent, framing, data.size(), [&rng] { return rng.between(1, 70); });
  WEIR_VERIFY(again.data == data && again.consumed == sent.size() && again.ends_by_close);
  if (framing == http::Framing::chunked) WEIR_VERIFY(again.trailers == trailers);
}

}  // namespace

void body(std::string_view input) {
  const Body chunked = check_cuts(input, http::Framing::chunked, 0);
  const std::uint64_t length = input.empty() ? 0 : static_cast<unsigned char>(input[0]);
  const Body measured = check_cuts(input, http::Framing::length, length);
  WEIR_VERIFY(measured.data == input.substr(0, length));
  WEIR_VERIFY(measured.ends_by_close == (length <= input.size()));
  const Body open = check_cuts(input, http::Framing::until_close, 0);
  WEIR_VERIFY(open.data == input && open.ends_by_close);
  const Body none = check_cuts(input, http::Framing::none, 0);
  WEIR_VERIFY(none.data.empty() && none.consumed == 0 && none.ends_by_close);

  Rng rng = rng_for(input);
  check_round_trip(input, {}, http::Framing::length, rng);
  check_round_trip(input, {}, http::Framing::until_close, rng);
  check_round_trip(input, {}, http::Framing::chunked, rng);
  if (chunked.state == State::done) check_round_trip(chunked.data, chunked.trailers, http::Framing::chunked, rng);
}

}  // namespace weir::fuzz
