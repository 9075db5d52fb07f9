#pragma once
// The chunked transfer coding (RFC 9112 section 7.1): an incremental, strict decoder that hands out spans of the input,
// and the few bytes a writer needs. Extensions are checked and dropped; trailers are checked and kept, up to a limit.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/http/limits.hpp"

namespace weir::http {

class ChunkedDecoder {
 public:
  enum class Status : std::uint8_t { need_more, data, done, refused };
  struct Piece {
    Status status;
    std::size_t consumed;    // bytes of the input that are used up, data included
    std::string_view data;   // with Status::data: body bytes, a view into the input
  };

  void reset(const Limits& limits) noexcept;

  // Call with what is left of the input until it answers need_more (everything was consumed) or an end. Bytes behind
  // the end of the body are not consumed.
  Piece next(std::string_view input) noexcept;

  // After done: the raw trailer lines, each with CRLF; empty in the usual case. Fields that must not be trailers
  // (RFC 9110 section 6.5.1: framing, routing, authentication, ...) are already left out.
  const std::string& trailers() const noexcept { return trailers_; }
  std::string_view refusal_word() const noexcept { return word_; }

 private:
  enum class State : std::uint8_t { size, extension, size_lf, data, data_cr, data_lf, trailer, done, refused };

  bool refuse(std::string_view word) noexcept;
  bool size_line(char c) noexcept;
  bool trailer_line(std::string_view line) noexcept;
  std::size_t trailer(std::string_view input) noexcept;

  const Limits* limits_ = nullptr;
  State state_ = State::size;
  std::uint64_t left_ = 0;       // of the current chunk
  std::uint32_t line_ = 0;       // bytes of the current size line, or of all trailer lines so far
  std::uint8_t digits_ = 0;
  std::uint8_t detail_ = 0;      // position within an extension
  std::string line_text_;        // a trailer line that is not complete yet
  std::string trailers_;
  std::string_view word_;
};

// Writes "1a2b\r\n" into `out` (at least max_chunk_line bytes), returns its length.
inline constexpr std::size_t max_chunk_line = 18;
std::size_t write_chunk_line(std::uint64_t size, char* out) noexcept;
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace weir::http
