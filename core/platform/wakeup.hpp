#pragma once
// Wakeup: ends another thread's wait. Owns an eventfd, or a pipe where there is none, or nothing where the waiting
// thread's queue has a call for it. signal() is for any thread, the rest for the waiting one. Signals that come before
// the waiter has looked are one.

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

  using Trigger = void (*)(NativeHandle queue) noexcept;  // called on any thread; must not fail

  Error open() noexcept;
  void open(Trigger trigger, NativeHandle queue) noexcept {  // no descriptor then
    trigger_ = trigger;
    queue_ = queue;
  }
  NativeHandle descriptor() const noexcept { return read_end_; }  // readable while signalled

  void signal() noexcept;
  // After descriptor() became readable, or the queue has reported. What was signalled before is seen by the caller now.
  void drain() noexcept;

 private:
  NativeHandle read_end_ = no_native_handle;
  NativeHandle write_end_ = no_native_handle;  // the same as read_end_ for an eventfd
  Trigger trigger_ = nullptr;
  NativeHandle queue_ = no_native_handle;
  std::atomic<bool> signalled_{false};
};

}  // namespace weir::platform
