#pragma once
// Which release of the operating system this is, for restrictions that end with one. Any thread; owns nothing.

#include <cstdint>

namespace weir::platform {

// As Platform::version: major * 100 + minor where the restriction table asks for it (macOS 10.8: 1008), else 0.
std::uint16_t system_version() noexcept;

}  // namespace weir::platform
