#pragma once
// close_range(2) with CLOSE_RANGE_CLOEXEC, Linux 5.11. Owns nothing; any thread.

namespace weir::platform {

// Every open descriptor from `first` on is closed by the next exec. False: not on this kernel.
bool close_from_on_exec(unsigned first) noexcept;

}  // namespace weir::platform
