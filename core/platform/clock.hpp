#pragma once
// The system's clocks, for backends. Nothing else in core/ reads a clock. Any thread.

#include "core/base/time.hpp"

namespace weir::platform {

TimePoint monotonic_now() noexcept;        // never steps back; does not count time asleep on most systems
WallTime wall_now() noexcept;
Duration monotonic_resolution() noexcept;  // as the system reports it, at least a nanosecond

}  // namespace weir::platform
