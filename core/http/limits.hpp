#pragma once
// What an HTTP/1 head and body may be at most. Every value is in bytes unless its name says otherwise. A line is counted
// without its CRLF; `head` and `trailers` count the CRLFs of their lines, `trailers` not the empty line at the end.

#include <cstddef>
#include <cstdint>

namespace weir::http {

struct Limits {
  std::size_t request_line = 8 * 1024;    // longer: 414
  std::size_t header_line = 8 * 1024;     // longer: 431
  std::size_t head = 16 * 1024;           // all lines together; longer: 431. At most a buffer's size less 4 KiB
  std::uint16_t header_count = 100;       // more: 431. At most max_fields
  std::size_t trailers = 4 * 1024;        // trailer section of a chunked body
  std::size_t chunk_line = 256;           // chunk size with extensions
  bool operator==(const Limits&) const = default;
};

inline constexpr Limits usual_limits{};

inline constexpr std::uint16_t max_fields = 128;

// The longest body, and the longest chunk, that can be announced: 2^63 - 1. More is refused, since a recipient that
// counts in signed 64-bit numbers would read something else.
inline constexpr std::uint64_t max_length = INT64_MAX;

}  // namespace weir::http
