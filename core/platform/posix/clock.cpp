#include "core/platform/clock.hpp"

#include <time.h>

#include <algorithm>

namespace weir::platform {
namespace {

std::int64_t nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

TimePoint monotonic_now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return {nanoseconds(time)};
}

WallTime wall_now() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return {nanoseconds(time)};
}

Duration monotonic_resolution() noexcept {
  timespec time{};
  ::clock_getres(CLOCK_MONOTONIC, &time);
  return Duration{std::max<std::int64_t>(nanoseconds(time), 1)};
}

}  // namespace weir::platform
