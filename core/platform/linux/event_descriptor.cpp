#include "core/platform/linux/event_descriptor.hpp"

#include <sys/eventfd.h>

namespace weir::platform {

NativeHandle make_event_descriptor() noexcept {
  const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return descriptor < 0 ? no_native_handle : descriptor;
}

}  // namespace weir::platform
