// Windows has neither a filter for a listening socket nor a backlog that can be changed: connections that the system
// completes between the last accept and the close are reset. So the listener is closed before clients are told to come
// again with a new connection.

#include "core/platform/admission.hpp"

namespace weir::platform {

bool admit_no_more(NativeHandle) noexcept { return false; }

}  // namespace weir::platform
