#pragma once
// Flags of descriptors. For the other files of core/platform/posix, and systemd/.

#include <fcntl.h>

namespace weir::platform {

// Not inherited by programs that are started.
inline bool make_private_to_process(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFD);
  return flags >= 0 && ((flags & FD_CLOEXEC) != 0 || ::fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) == 0);
}

inline bool make_non_blocking(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags >= 0 && ((flags & O_NONBLOCK) != 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0);
}

inline bool make_private(int descriptor) noexcept {
  return make_private_to_process(descriptor) && make_non_blocking(descriptor);
}

}  // namespace weir::platform
