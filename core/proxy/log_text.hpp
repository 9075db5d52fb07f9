#pragma once
// What the formats of the access log share: times, escaping, and how much room each text gets. Private to core/proxy;
// any thread.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/base/time.hpp"
#include "core/proxy/text_out.hpp"

namespace weir::proxy {

// A second as the formats write it. Lines come many to a second, and calendar arithmetic costs more than the rest.
struct SecondText {
  std::int64_t second = INT64_MIN;
  std::array<char, 26> local;  // 23/Nov/2026:03:00:00 +0000
  std::array<char, 19> iso;    // 2026-11-23T03:00:00
};
const SecondText& text_of_second(WallTime time) noexcept;

// 2026-11-23T03:00:00.123Z
void put_iso_time(TextOut& out, WallTime time) noexcept;
// Milliseconds with microseconds behind the point.
void put_ms(TextOut& out, Duration value) noexcept;

inline constexpr std::size_t longest_escape = 6;  // "\u0000"

// An Escape has `special`: whether a byte may need one, and unit(), which writes the unit at the start of `text` to
// `out` (longest_escape bytes), takes it off and returns the length.

// \xHH for controls, quotes, backslashes and what is not ASCII, as nginx does.
struct HexEscape {
  static const std::array<bool, 256> special;
  static constexpr bool takes_delete = true;
  static std::size_t unit(std::string_view& text, char* out) noexcept;
};
// By RFC 8259; what is not UTF-8 is replaced.
struct JsonEscape {
  static const std::array<bool, 256> special;
  static constexpr bool takes_delete = false;
  static std::size_t unit(std::string_view& text, char* out) noexcept;
};

// Marks the top bit of the first special byte of eight, and perhaps of bytes behind it.
template <class Escape>
std::uint64_t marks_of(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101;
  std::uint64_t marks = bytes | (bytes - each * 0x20) | ((bytes ^ each * '"') - each) | ((bytes ^ each * '\\') - each);
  if constexpr (Escape::takes_delete) marks |= (bytes ^ each * 0x7f) - each;
  return marks & each * 0x80;
}

// The bytes at the start of `text` that are written as they are, eight at a time; the last eight overlap those before.
template <class Escape>
std::size_t plain_size(std::string_view text) noexcept {
  std::size_t n = 0;
  if constexpr (std::endian::native == std::endian::little) {
    const auto first_mark = [](std::uint64_t marks) { return static_cast<std::size_t>(std::countr_zero(marks)) / 8; };
    const std::size_t size = text.size();
    std::uint64_t bytes;
    if (size >= 8) {
      for (; n + 8 < size; n += 8) {
        std::memcpy(&bytes, text.data() + n, 8);
        if (const std::uint64_t marks = marks_of<Escape>(bytes)) return n + first_mark(marks);
      }
      std::memcpy(&bytes, text.data() + size - 8, 8);
      const std::uint64_t marks = marks_of<Escape>(bytes);
      return marks == 0 ? size : size - 8 + first_mark(marks);
    }
  }
  while (n < text.size() && !Escape::special[static_cast<unsigned char>(text[n])]) ++n;
  return n;
}

// Writes `text` escaped, at most `room` bytes of it, never a part of an escape.
template <class Escape>
void put_escaped(TextOut& out, std::string_view text, std::size_t room) noexcept {
  while (true) {
    const std::size_t run = std::min(plain_size<Escape>(text), room);
    out.put(text.substr(0, run));
    if (run == text.size()) return;
    text.remove_prefix(run);
    room -= run;
    if (room == 0) return;
    char escape[longest_escape];
    const std::size_t size = Escape::unit(text, escape);
    if (size > room) return;
    out.put({escape, size});
    room -= size;
  }
}

template <class Escape>
std::size_t escaped_size(std::string_view text) noexcept {
  std::size_t size = 0;
  while (!text.empty()) {
    const std::size_t run = plain_size<Escape>(text);
    size += run;
    text.remove_prefix(run);
    char escape[longest_escape];
    if (!text.empty()) size += Escape::unit(text, escape);
  }
  return size;
}

// How many bytes each text may take, so that all of them fit into `room`: no limit in the usual case, else the largest
// common limit, so that a long target does not push the user agent out.
template <class Escape, std::size_t N>
std::size_t common_limit(const std::array<std::string_view, N>& texts, std::size_t room) noexcept {
  std::size_t raw = 0;
  for (const std::string_view text : texts) raw += text.size();
  if (raw * longest_escape <= room) return room;
  std::array<std::size_t, N> sizes;
  std::transform(texts.begin(), texts.end(), sizes.begin(), escaped_size<Escape>);
  std::sort(sizes.begin(), sizes.end());
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t share = room / (N - i);
    if (sizes[i] > share) return share;
    room -= sizes[i];
  }
  return sizes.back();
}

}  // namespace weir::proxy
