#pragma once
// Wakeup: ends another thread's wait. Owns an eventfd, or a pipe where there is none. signal() is for any thread, the
// rest for the waiting one. Signals that come before the waiter has looked are one.

#include <atomic>

#include "core/base/error.hpp"
#include "core/reactor/handle.hpp"

namespace weir::platform {

class Wakeup {
 public:
  Wakeup() noexcept = default;
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  ~Wakeup();

  Error open() noexcept;
  NativeHandle descriptor() const noexcept { return read_end_; }  // readable while signalled

  void signal() noexcept;
  void drain() noexcept;  // after descriptor() became readable; what was signalled before is seen by the caller now

 private:
  NativeHandle read_end_ = no_native_handle;
  NativeHandle write_end_ = no_native_handle;  // the same as read_end_ for an eventfd
  std::atomic<bool> signalled_{false};
};

}  // namespace weir::platform
