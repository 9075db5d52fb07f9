#pragma once
// How many seeds a test runs: the number it names, or a tenth of it under a sanitizer, where each costs ten times as
// much. Nothing else.

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEIR_SIM_SLOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEIR_SIM_SLOW 1
#endif
#endif

namespace weir::sim {

constexpr std::uint64_t seeds(std::uint64_t usual) noexcept {
#ifdef WEIR_SIM_SLOW
  return usual < 20 ? 2 : usual / 10;
#else
  return usual;
#endif
}

}  // namespace weir::sim
