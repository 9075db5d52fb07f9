#include "core/base/rng.hpp"

#include <bit>

#include "core/base/assert.hpp"

namespace weir {

// Blackman and Vigna's xoshiro256** 1.0; the state is filled by splitmix64, as they advise, so that every seed is good.
Rng::Rng(std::uint64_t seed) noexcept {
  for (std::uint64_t& word : state_) {
    seed += 0x9E3779B97F4A7C15;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    word = z ^ (z >> 31);
  }
}

std::uint64_t Rng::next() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Rng::below(std::uint64_t bound) noexcept {
  WEIR_ASSERT(bound > 0);
  // Values under 2^64 mod bound are refused, so that each remainder is equally likely.
  const std::uint64_t refused = (0 - bound) % bound;
  std::uint64_t drawn = next();
  while (drawn < refused) drawn = next();
  return drawn % bound;
}

std::uint64_t Rng::between(std::uint64_t low, std::uint64_t high) noexcept {
  WEIR_ASSERT(low <= high);
  const std::uint64_t span = high - low + 1;
  return span == 0 ? next() : low + below(span);
}

bool Rng::chance(double probability) noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }

}  // namespace weir
