#pragma once
// Points and spans of time as integral nanoseconds. There is no clock here: the only clock that core/ reads is
// Backend::now(), so that a simulated backend owns time too.

#include <chrono>
#include <cstdint>

namespace weir {

using Duration = std::chrono::nanoseconds;

// Monotonic, from an arbitrary origin. Comparable only with points of the same backend.
struct TimePoint {
  std::int64_t ns = 0;

  static constexpr TimePoint max() noexcept { return {INT64_MAX}; }
  friend constexpr auto operator<=>(TimePoint, TimePoint) noexcept = default;
  // Saturates: a deadline of `now + Duration::max()` is never, not long ago.
  friend constexpr TimePoint operator+(TimePoint t, Duration d) noexcept {
    return d.count() > 0 && t.ns > INT64_MAX - d.count() ? max() : TimePoint{t.ns + d.count()};
  }
  friend constexpr Duration operator-(TimePoint a, TimePoint b) noexcept { return Duration{a.ns - b.ns}; }
};

// Wall-clock time in nanoseconds since 1970-01-01 UTC, for log lines and Date headers only.
struct WallTime {
  std::int64_t ns = 0;
};

}  // namespace weir
