#pragma once
// A small seedable pseudo-random generator (xoshiro256**), the only randomness in core/. Not for secrets. Same seed,
// same sequence, on every platform. One thread.

#include <cstdint>

namespace weir {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) noexcept;

  std::uint64_t next() noexcept;
  std::uint64_t below(std::uint64_t bound) noexcept;                      // uniform in [0, bound); bound > 0
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept;  // uniform in [low, high]
  bool chance(double probability) noexcept;                               // true with that probability

 private:
  std::uint64_t state_[4];
};

}  // namespace weir
