#pragma once
// eventfd(2). Owns nothing; any thread.

#include "core/reactor/handle.hpp"

namespace weir::platform {

// A counter descriptor, non-blocking and closed on exec; no_native_handle when the kernel refuses.
NativeHandle make_event_descriptor() noexcept;

}  // namespace weir::platform
