#pragma once
// Sixteen bytes at a time, with the compilers' portable vectors: the searches that most of a head's time goes into.
// Private to core/http. Pure; nothing outside the given bytes is read.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace weir::http {

using Lanes [[gnu::vector_size(16)]] = std::uint8_t;

inline Lanes load_lanes(const char* from) noexcept {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

// A comparison's result: 0xff where it holds.
template <class Truth>
inline Lanes lanes_where(Truth truth) noexcept {
  return std::bit_cast<Lanes>(truth);
}

// The first lane that is not zero, or at least 16; every lane is 0 or 0xff.
inline std::size_t first_lane(Lanes lanes) noexcept {
#ifdef __SSE2__
  const unsigned bits = static_cast<unsigned>(_mm_movemask_epi8(std::bit_cast<__m128i>(lanes)));
  return static_cast<std::size_t>(std::countr_zero(bits | 0x10000u));
#else
  std::uint64_t half[2];
  std::memcpy(half, &lanes, sizeof half);
  const auto first = [](std::uint64_t word) {
    if constexpr (std::endian::native == std::endian::big) return static_cast<std::size_t>(std::countl_zero(word)) / 8;
    return static_cast<std::size_t>(std::countr_zero(word)) / 8;
  };
  return half[0] != 0 ? first(half[0]) : 8 + first(half[1]);
#endif
}

// How many of the 16 bytes at `from` are letters, digits or '-' before the first other one: nearly every name.
inline std::size_t count_name_bytes(const char* from) noexcept {
  const Lanes bytes = load_lanes(from);
  const Lanes letters = lanes_where(((bytes | 0x20) - 'a') < 26);
  const Lanes digits = lanes_where((bytes - '0') < 10);
  const Lanes dashes = lanes_where(bytes == '-');
  return first_lane(~(letters | digits | dashes));
}

// The first byte in [from, end) whose lane `find` puts to 0xff, or end. The 16 bytes before `end` are readable.
template <class Find>
inline const char* find_lane(const char* from, const char* end, Find find) noexcept {
  for (; end - from >= 16; from += 16) {
    const std::size_t lane = first_lane(find(load_lanes(from)));
    if (lane < 16) return from + lane;
  }
  // The last block overlaps what was seen: those lanes are put out.
  alignas(16) static constexpr unsigned char mask[32] = {
      0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  const char* const last = end - 16;
  const std::size_t lane =
      first_lane(find(load_lanes(last)) & load_lanes(reinterpret_cast<const char*>(mask) + (end - from)));
  return lane < 16 ? last + lane : end;
}

// What ends a field value: a byte below 0x20 or of 0x7f.
inline Lanes control_lanes(Lanes bytes) noexcept { return lanes_where(bytes < 0x20) | lanes_where(bytes == 0x7f); }

// What ends a request target: a byte that is not visible ASCII, or '#'.
inline Lanes no_target_lanes(Lanes bytes) noexcept {
  return lanes_where((bytes - 0x21) > 0x5d) | lanes_where(bytes == '#');
}

}  // namespace weir::http
