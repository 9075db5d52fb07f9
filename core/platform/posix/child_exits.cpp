#include "core/platform/child_exits.hpp"

#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <utility>

namespace weir::platform {

// The list and its lock. A handler may interrupt any code at all, so the lock spins, and a thread that holds it outside
// of the handler has the signal blocked: no handler ever waits for the thread that it interrupted.
struct ChildExitsList {
  static void lock() noexcept {
    while (locked.test_and_set(std::memory_order_acquire)) {}
  }
  static void unlock() noexcept { locked.clear(std::memory_order_release); }

  static void add(ChildExits& exits) noexcept { exits.next_ = std::exchange(first, &exits); }
  static void remove(ChildExits& exits) noexcept {
    ChildExits** place = &first;
    while (*place != &exits) place = &(*place)->next_;
    *place = exits.next_;
  }
  static void announce() noexcept {
    lock();
    for (ChildExits* exits = first; exits != nullptr; exits = exits->next_) {
      exits->ended_.store(true, std::memory_order_release);
      exits->wakeup_->signal();
    }
    unlock();
  }

  static inline std::atomic_flag locked;
  static inline ChildExits* first = nullptr;
};

namespace {

sigset_t child_signal() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  return set;
}

// Holds the lock with the signal blocked on this thread.
class Locked {
 public:
  Locked() noexcept {
    const sigset_t set = child_signal();
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    ChildExitsList::lock();
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked() {
    ChildExitsList::unlock();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_;
};

std::atomic<void (*)() noexcept> also_told{nullptr};

// A library may have had a handler before us: it still hears of its own children.
struct sigaction earlier;

void on_child_signal(int number, siginfo_t* info, void* context) {
  const int kept = errno;
  ChildExitsList::announce();
  if (void (*const hook)() noexcept = also_told.load(std::memory_order_acquire)) hook();
  if ((earlier.sa_flags & SA_SIGINFO) != 0) {
    earlier.sa_sigaction(number, info, context);
  } else if (earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN) {
    earlier.sa_handler(number);
  }
  errno = kept;
}

bool installed = false;  // under the lock

// Installed once, it stays for the life of the process: without a list it does nothing. One that has taken its place is
// expected to call it, as ours does; where it was only thrown out, it comes back. Under the lock.
void see_to_handler() noexcept {
  struct sigaction current{};
  ::sigaction(SIGCHLD, nullptr, &current);
  const bool none = (current.sa_flags & SA_SIGINFO) == 0 &&
                    (current.sa_handler == SIG_DFL || current.sa_handler == SIG_IGN);
  if (installed && !none) return;
  if (!installed) earlier = current;
  installed = true;
  struct sigaction entry{};
  entry.sa_sigaction = on_child_signal;
  entry.sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP;
  sigemptyset(&entry.sa_mask);
  ::sigaction(SIGCHLD, &entry, nullptr);
}

// The parent process may have had the signal blocked; then no thread at all would take it.
void let_through() noexcept {
  const sigset_t set = child_signal();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

void ChildExits::announce_to(Wakeup& wakeup) noexcept {
  const bool listed = wakeup_ != nullptr;  // from then on the handler reads it, on any thread
  if (!listed) wakeup_ = &wakeup;
  {
    const Locked locked;
    see_to_handler();
    if (!listed) ChildExitsList::add(*this);
  }
  let_through();
}

void when_child_ends(void (*hook)() noexcept) noexcept {
  also_told.store(hook, std::memory_order_release);
  if (hook == nullptr) return;
  {
    const Locked locked;
    see_to_handler();
  }
  let_through();
}

// Whoever started this process, or some library, may have told it to ignore SIGCHLD: then the system reaps children by
// itself, and nobody learns how they ended.
void keep_ended_children() noexcept {
  const Locked locked;  // no handler is installed between the look and the change
  struct sigaction entry{};
  if (::sigaction(SIGCHLD, nullptr, &entry) != 0) return;
  const bool ignored = entry.sa_handler == SIG_IGN;
  if (!ignored && (entry.sa_flags & SA_NOCLDWAIT) == 0) return;
  if (ignored) entry.sa_handler = SIG_DFL;
  entry.sa_flags &= ~SA_NOCLDWAIT;
  ::sigaction(SIGCHLD, &entry, nullptr);
}

ChildExits::~ChildExits() {
  if (wakeup_ == nullptr) return;
  const Locked locked;
  ChildExitsList::remove(*this);
}

}  // namespace weir::platform
