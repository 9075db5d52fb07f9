#include "core/platform/clock.hpp"

#include <algorithm>

#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t unit = 100;  // nanoseconds in a FILETIME's

std::int64_t counter_frequency() noexcept {
  static const std::int64_t frequency = [] {
    LARGE_INTEGER value;
    ::QueryPerformanceFrequency(&value);
    return value.QuadPart;
  }();
  return frequency;
}

}  // namespace

TimePoint monotonic_now() noexcept {
  LARGE_INTEGER counter;
  ::QueryPerformanceCounter(&counter);
  const std::int64_t frequency = counter_frequency();
  const std::int64_t whole = counter.QuadPart / frequency;
  const std::int64_t rest = counter.QuadPart % frequency;
  return {whole * second + rest * second / frequency};
}

WallTime wall_now() noexcept {
  constexpr std::int64_t from_1601_to_1970 = 11'644'473'600;  // seconds
  FILETIME time;
  ::GetSystemTimePreciseAsFileTime(&time);
  const std::int64_t units = std::int64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime;
  return {(units - from_1601_to_1970 * (second / unit)) * unit};
}

// The performance counter is finer than that. But waits end with the system's tick, and the resolution of a clock is
// how exactly one can meet a deadline by it.
Duration monotonic_resolution() noexcept {
  DWORD adjustment = 0, increment = 0;
  BOOL disabled = FALSE;
  if (!::GetSystemTimeAdjustment(&adjustment, &increment, &disabled) || increment == 0) increment = 156'250;
  return Duration{increment * unit};
}

}  // namespace weir::platform
