#pragma once
// Message bodies as a sequence of parts: a reader for each way a body can be delimited (RFC 9112 section 6.3) and the
// writer of the coding that goes with it. Bytes in, views out; nothing is copied. Pure; one thread at a time.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/http/chunked.hpp"
#include "core/http/h1_writer.hpp"
#include "core/http/head.hpp"
#include "core/http/limits.hpp"

namespace weir::http {

// What one step brought of a body. A part may be empty: something arrived, but no data yet.
struct BodyPart {
  std::span<const std::string_view> pieces;  // views into the received bytes
  std::uint64_t size = 0;                    // bytes in all pieces
  bool last = false;                         // the body ends with this part
  std::string_view trailers;                 // raw lines, each with its CRLF; only with the last part
};

class BodyReader {
 public:
  enum class State : std::uint8_t { open, done, refused };

  // `length` counts with Framing::length. `limits` outlives the reader's use.
  void reset(Framing framing, std::uint64_t length, const Limits& limits) noexcept;

  struct Step {
    BodyPart part;               // views into `input` and into this reader, until the next call
    std::size_t consumed = 0;    // bytes of `input` that are used up; what follows the body is never among them
  };
  // Decodes as much of `input` as fits a part: all of it, unless the body ends or it has many chunks.
  Step next(std::string_view input) noexcept;

  // The sender has closed its side. Only a body that is delimited by that has ended; any other one is truncated.
  bool end_by_close() noexcept;

  State state() const noexcept { return state_; }
  Framing framing() const noexcept { return framing_; }
  std::string_view refusal_word() const noexcept { return chunks_.refusal_word(); }

 private:
  static constexpr std::size_t max_pieces = 16;
  Step whole(std::string_view input) noexcept;
  Step chunks(std::string_view input) noexcept;

  Framing framing_ = Framing::none;
  State state_ = State::done;
  std::uint64_t left_ = 0;  // Framing::length
  ChunkedDecoder chunks_;
  std::array<std::string_view, max_pieces> pieces_;
};

// Appends a part as it is sent in the given framing: chunked, or the bytes as they are. The pieces are referred to until
// they are sent. With Framing::none nothing is written.
void write_body_part(const BodyPart& part, Framing framing, SliceWriter& out) noexcept;

}  // namespace weir::http
