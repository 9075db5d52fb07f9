#pragma once
// What spawn() tells about its own children, so that none of them is taken for an orphan. POSIX only; any thread.

#include <sys/types.h>

namespace weir::platform {

// Held while a child is started and noted: between the two it looks like an orphan. May throw std::bad_alloc.
class StartingChild {
 public:
  StartingChild();
  StartingChild(const StartingChild&) = delete;
  StartingChild& operator=(const StartingChild&) = delete;
  ~StartingChild();

  void started(pid_t id) noexcept;
};

// The child was reaped: its number may be an orphan's from now on.
void forget_child(pid_t id) noexcept;

}  // namespace weir::platform
