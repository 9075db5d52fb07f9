#include "core/platform/clock.hpp"

#include <time.h>

#include <algorithm>

namespace weir::platform {
namespace {

#ifdef CLOCK_UPTIME_RAW
constexpr clockid_t monotonic = CLOCK_UPTIME_RAW;  // macOS: nanoseconds, where its CLOCK_MONOTONIC has microseconds
#else
constexpr clockid_t monotonic = CLOCK_MONOTONIC;
#endif

std::int64_t nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

TimePoint monotonic_now() noexcept {
  timespec time{};
  ::clock_gettime(monotonic, &time);
  return {nanoseconds(time)};
}

WallTime wall_now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return {nanoseconds(time)};
}

Duration monotonic_resolution() noexcept {
  timespec time{};
  ::clock_getres(monotonic, &time);
  return Duration{std::max<std::int64_t>(nanoseconds(time), 1)};
}

}  // namespace weir::platform
