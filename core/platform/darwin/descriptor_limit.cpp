#include "core/platform/darwin/descriptor_limit.hpp"

#include <sys/syslimits.h>
#include <sys/sysctl.h>

namespace weir::platform {

std::size_t most_descriptors() noexcept {
  int most = 0;
  std::size_t size = sizeof most;
  const bool known = ::sysctlbyname("kern.maxfilesperproc", &most, &size, nullptr, 0) == 0 && most > 0;
  return static_cast<std::size_t>(known ? most : OPEN_MAX);
}

}  // namespace weir::platform
