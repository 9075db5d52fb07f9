#include "core/platform/linux/process_descriptor.hpp"

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace weir::platform {

NativeHandle open_process_descriptor([[maybe_unused]] std::uint32_t id) noexcept {
#ifdef SYS_pidfd_open
  const long descriptor = ::syscall(SYS_pidfd_open, static_cast<pid_t>(id), 0U);
  if (descriptor >= 0) return descriptor;
#endif
  return no_native_handle;
}

}  // namespace weir::platform
