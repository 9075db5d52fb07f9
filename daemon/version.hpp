#pragma once
// What this binary is: for `weir version`, and the first line of a run. Pure.

#include <string>
#include <string_view>

namespace weir::daemon {

std::string_view version() noexcept;  // "0.1.0"

// Compiler, build type, backends with the one that is chosen here and why, libraries: several lines. Probes the
// backends by making them.
std::string version_details();

}  // namespace weir::daemon
