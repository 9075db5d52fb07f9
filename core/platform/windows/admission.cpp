// Windows has neither a filter for a listening socket nor a backlog that can be changed: connections that the system
// completes between the last accept and the close are reset. The drain accepts until there are none, then closes.

#include "core/platform/admission.hpp"

namespace weir::platform {

void admit_no_more(NativeHandle) noexcept {}

}  // namespace weir::platform
