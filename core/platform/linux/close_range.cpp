#include "core/platform/linux/close_range.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace weir::platform {

bool close_from_on_exec([[maybe_unused]] unsigned first) noexcept {
#ifdef SYS_close_range
  constexpr unsigned on_exec = 1U << 2U;  // CLOSE_RANGE_CLOEXEC, which older headers lack
  return ::syscall(SYS_close_range, first, ~0U, on_exec) == 0;
#else
  return false;
#endif
}

}  // namespace weir::platform
