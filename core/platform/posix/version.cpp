#include "core/platform/version.hpp"

#ifndef __APPLE__  // darwin/ has its own

namespace weir::platform {

// No restriction of these systems ends with a release: what a kernel can do is found out by trying.
std::uint16_t system_version() noexcept { return 0; }

}  // namespace weir::platform

#endif
