#include "core/platform/wakeup.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "core/platform/errors.hpp"
#include "core/platform/fallbacks.hpp"
#include "core/platform/posix/descriptors.hpp"
#ifdef __linux__
#include "core/platform/linux/event_descriptor.hpp"
#endif

namespace weir::platform {

Wakeup::~Wakeup() {
  if (write_end_ != read_end_) ::close(static_cast<int>(write_end_));
  if (read_end_ != no_native_handle) ::close(static_cast<int>(read_end_));
}

Error Wakeup::open() noexcept {
#ifdef __linux__
  if (!fallbacks_forced()) read_end_ = write_end_ = make_event_descriptor();
#endif
  if (read_end_ != no_native_handle) return {};
  int ends[2];
  if (::pipe(ends) != 0) return last_error();
  read_end_ = ends[0];
  write_end_ = ends[1];
  if (!make_private(ends[0]) || !make_private(ends[1])) return last_error();
  return {};
}

// The flag is set before the write and cleared after the read. If it is found set, the waiter has yet to
// clear it, and that it looks for work after that: exchange on both sides orders the work before the look.
void Wakeup::signal() noexcept {
  if (signalled_.exchange(true, std::memory_order_acq_rel)) return;
  if (trigger_ != nullptr) return trigger_(queue_);
  const std::uint64_t one = 1;  // what an eventfd wants; eight bytes of anything for a pipe
  const int saved = errno;
  while (::write(static_cast<int>(write_end_), &one, sizeof one) < 0 && errno == EINTR) {}
  errno = saved;
}

void Wakeup::drain() noexcept {
  if (trigger_ == nullptr) {
    std::uint64_t bytes[8];
    while (::read(static_cast<int>(read_end_), bytes, sizeof bytes) < 0 && errno == EINTR) {}
  }
  signalled_.exchange(false, std::memory_order_acq_rel);
}

}  // namespace weir::platform
