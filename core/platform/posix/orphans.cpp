// The system tells of one ended child at a time and goes on telling of the same one until it is reaped. An own child is
// left to its owner, so a look that finds one stops there, and the reaping of that child looks again.

#include "core/platform/orphans.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <vector>

#include "core/platform/posix/orphans.hpp"

namespace weir::platform {
namespace {

std::atomic<bool> adopting{false};
std::atomic<bool> wanted{false};  // a look was requested
std::mutex starting;              // held while the system starts a child: nothing else waits for it
std::mutex listing;               // guards own_children, for a moment; taken after `starting`
std::vector<pid_t> own_children;

bool is_own(pid_t id) noexcept {
  const std::lock_guard lock(listing);
  return std::find(own_children.begin(), own_children.end(), id) != own_children.end();
}

// With `starting` held.
void reap_strangers() noexcept {
  for (;;) {
    siginfo_t ended{};
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (ended.si_pid == 0 || is_own(ended.si_pid)) return;
    ::waitid(P_PID, static_cast<id_t>(ended.si_pid), &ended, WEXITED | WNOHANG);
  }
}

}  // namespace

void adopt_orphans() noexcept {
  adopting.store(true);
  reap_orphans();
}

// While a child is being started, the look is left to its thread, which takes it when it is done.
void reap_orphans() noexcept {
  if (!adopting.load()) return;
  wanted.store(true);
  while (wanted.load() && starting.try_lock()) {
    wanted.store(false);
    reap_strangers();
    starting.unlock();
  }
}

StartingChild::StartingChild() {
  std::unique_lock start(starting);
  const std::lock_guard lock(listing);
  own_children.reserve(own_children.size() + 1);
  start.release();  // until the destructor
}

StartingChild::~StartingChild() {
  starting.unlock();
  if (wanted.load()) reap_orphans();
}

void StartingChild::started(pid_t id) noexcept {
  const std::lock_guard lock(listing);
  own_children.push_back(id);
}

void forget_child(pid_t id) noexcept {
  {
    const std::lock_guard lock(listing);
    std::erase(own_children, id);
  }
  reap_orphans();
}

}  // namespace weir::platform
