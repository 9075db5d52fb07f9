#pragma once
// RequestIds: ids of requests, 32 hexadecimal digits each. Those of one source differ from each other; those of two
// sources differ as their seeds do, and look random without knowledge of these. One thread.

#include <cstddef>
#include <cstdint>

namespace weir::proxy {

class RequestIds {
 public:
  static constexpr std::size_t size = 32;

  explicit RequestIds(std::uint64_t seed) noexcept : high_(mix(seed)), low_(mix(seed ^ 0x5bd1e995u)) {}

  // Writes the next one, `size` characters.
  void write(char* out) noexcept {
    write_hex(high_, out);
    write_hex(mix(low_++), out + size / 2);
  }

 private:
  // splitmix64: a bijection, so different counters give different ids.
  static constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
  static void write_hex(std::uint64_t value, char* out) noexcept {
    for (int shift = 60; shift >= 0; shift -= 4) *out++ = "0123456789abcdef"[value >> shift & 15];
  }

  std::uint64_t high_;
  std::uint64_t low_;
};

}  // namespace weir::proxy
