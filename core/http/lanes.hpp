#pragma once
// Sixteen bytes at a time, with the compilers' portable vectors: the searches that most of a head's time goes into.
// Private to core/http. Pure; nothing outside the given bytes is read.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace weir::http {

using Lanes [[gnu::vector_size(16)]] = std::uint8_t;

inline Lanes load_lanes(const char* from) noexcept {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

// The first lane that is not zero, or 16.
inline std::size_t first_lane(Lanes lanes) noexcept {
  std::uint64_t half[2];
  std::memcpy(half, &lanes, sizeof half);
  const auto first = [](std::uint64_t word) {
    if constexpr (std::endian::native == std::endian::big) return static_cast<std::size_t>(std::countl_zero(word)) / 8;
    return static_cast<std::size_t>(std::countr_zero(word)) / 8;
  };
  return half[0] != 0 ? first(half[0]) : 8 + first(half[1]);
}

// How many of the 16 bytes at `from` are letters, digits or '-' before the first other one: nearly every name.
inline std::size_t count_name_bytes(const char* from) noexcept {
  const Lanes bytes = load_lanes(from);
  const Lanes letters = (Lanes)(((bytes | 0x20) - 'a') < 26);
  const Lanes digits = (Lanes)((bytes - '0') < 10);
  const Lanes dashes = (Lanes)(bytes == '-');
  return first_lane(~(letters | digits | dashes));
}

// The first byte below 0x20 or of 0x7f in [from, end), or end. The 16 bytes before `end` are readable.
inline const char* find_control(const char* from, const char* end) noexcept {
  const auto controls = [](Lanes bytes) { return (Lanes)(bytes < 0x20) | (Lanes)(bytes == 0x7f); };
  for (; end - from >= 16; from += 16) {
    const std::size_t lane = first_lane(controls(load_lanes(from)));
    if (lane < 16) return from + lane;
  }
  // The last block overlaps what was seen: those lanes are put out.
  alignas(16) static constexpr std::uint8_t mask[32] = {
      0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  const char* const last = end - 16;
  const std::size_t lane =
      first_lane(controls(load_lanes(last)) & load_lanes(reinterpret_cast<const char*>(mask) + (end - from)));
  return lane < 16 ? last + lane : end;
}

}  // namespace weir::http
