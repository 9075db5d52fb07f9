#pragma once
// ChildExits: tells a backend that some child of this process has ended, for systems (or kernels) where a child has no
// descriptor of its own to wait on. It owns its entry in a list that the process keeps of all of them; the process's
// handler of SIGCHLD goes through that list. It never reaps anything, and it says that an end came, not whose.
// The thread of the backend; on whatever thread the system delivers a signal, only the flag and the wakeup are touched.

#include <atomic>

#include "core/platform/wakeup.hpp"

namespace weir::platform {

class ChildExits {
 public:
  ChildExits() noexcept = default;
  ChildExits(const ChildExits&) = delete;
  ChildExits& operator=(const ChildExits&) = delete;
  ~ChildExits();

  // From now on every end of a child signals the wakeup, which outlives this. Asked again: nothing more happens.
  // A child that is looked at after this call, and has not ended, cannot end unnoticed.
  void announce_to(Wakeup& wakeup) noexcept;

  // True if a child has ended since the last call.
  bool take() noexcept { return ended_.exchange(false, std::memory_order_acq_rel); }

 private:
  friend struct ChildExitsList;
  ChildExits* next_ = nullptr;
  Wakeup* wakeup_ = nullptr;  // null: not listed
  std::atomic<bool> ended_{false};
};

// POSIX: calls `hook` as well whenever a child of this process has ended, from the handler of SIGCHLD: it may only touch
// lock-free atomics and call write(). Null: no more. One hook per process; any thread, which takes that signal from then on.
void when_child_ends(void (*hook)() noexcept) noexcept;

// POSIX: makes sure that a child which has ended stays until somebody has asked how. Any thread.
void keep_ended_children() noexcept;

}  // namespace weir::platform
