#pragma once
// pidfd_open(2), Linux 5.3. Owns nothing; any thread.

#include <cstdint>

#include "core/reactor/handle.hpp"

namespace weir::platform {

// A descriptor that becomes readable when this child has ended, closed on exec; no_native_handle when the kernel
// refuses: an old one, or one with a filter of system calls in front of it.
NativeHandle open_process_descriptor(std::uint32_t id) noexcept;

}  // namespace weir::platform
