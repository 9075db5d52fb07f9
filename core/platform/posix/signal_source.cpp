#include "core/platform/signal_source.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

#include "core/platform/child_exits.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/posix/descriptors.hpp"

namespace weir::platform {
namespace {

constexpr std::array<std::pair<int, Signal>, 6> handled{{{SIGTERM, Signal::terminate},
                                                         {SIGINT, Signal::interrupt},
                                                         {SIGQUIT, Signal::quit},
                                                         {SIGHUP, Signal::hang_up},
                                                         {SIGUSR1, Signal::reopen_logs},
                                                         {SIGUSR2, Signal::upgrade}}};

// The write end, for handlers: they may only touch lock-free atomics and call write().
std::atomic<int> write_end{-1};
static_assert(std::atomic<int>::is_always_lock_free);

// A full pipe holds thousands of requests that nobody has read yet: one more tells nothing new.
void tell(Signal signal) noexcept {
  const char byte = static_cast<char>(signal);
  [[maybe_unused]] const auto written = ::write(write_end.load(std::memory_order_relaxed), &byte, 1);
}

void on_signal(int number) {
  const int kept = errno;
  for (const auto& [known, signal] : handled) {
    if (known == number) tell(signal);
  }
  errno = kept;
}

sigset_t handled_set() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const auto& [number, signal] : handled) sigaddset(&set, number);
  return set;
}

void set_action(int number, void (*action)(int)) noexcept {
  struct sigaction entry{};
  entry.sa_handler = action;
  entry.sa_flags = SA_RESTART;
  sigemptyset(&entry.sa_mask);
  ::sigaction(number, &entry, nullptr);
}

// Started by nohup: the end of the terminal is nothing to the process.
bool hang_up_is_ignored() noexcept {
  struct sigaction entry{};
  return ::sigaction(SIGHUP, nullptr, &entry) == 0 && entry.sa_handler == SIG_IGN;
}

// That of this thread: SIG_BLOCK or SIG_UNBLOCK.
void change_mask(int how) noexcept {
  const sigset_t set = handled_set();
  ::pthread_sigmask(how, &set, nullptr);
}

}  // namespace

Error SignalSource::open() noexcept {
  int ends[2];
  if (::pipe(ends) != 0) return last_error();
  if (!make_private(ends[0]) || !make_private(ends[1])) {
    const Error error = last_error();
    ::close(ends[0]);
    ::close(ends[1]);
    return error;
  }
  read_end_ = ends[0];
  write_end.store(ends[1]);
  open_ = true;
  change_mask(SIG_BLOCK);
  const bool keep_ignoring = hang_up_is_ignored();
  for (const auto& [number, signal] : handled) {
    if (number != SIGHUP || !keep_ignoring) set_action(number, on_signal);
  }
  set_action(SIGPIPE, SIG_IGN);
  return {};
}

SignalSource::~SignalSource() {
  if (!open_) return;
  when_child_ends(nullptr);
  for (const auto& [number, signal] : handled) set_action(number, SIG_DFL);
  if (read_end_ != no_native_handle) ::close(static_cast<int>(read_end_));
  ::close(write_end.exchange(-1));
}

void SignalSource::deliver_here() noexcept { change_mask(SIG_UNBLOCK); }
void SignalSource::deliver_no_more() noexcept { change_mask(SIG_BLOCK); }

// SIGCHLD has one handler in a process, that of ChildExits.
void SignalSource::tell_of_children() noexcept {
  when_child_ends([]() noexcept { tell(Signal::child_ended); });
}

NativeHandle SignalSource::take_descriptor() noexcept { return std::exchange(read_end_, no_native_handle); }

Error send_signal(std::uint32_t process, Signal signal) noexcept {
  if (process == 0 || process > INT32_MAX) return Errc::not_found;  // 0 and less are groups of processes
  for (const auto& [number, known] : handled) {
    if (known == signal) return ::kill(static_cast<pid_t>(process), number) == 0 ? Error{} : last_error();
  }
  return Errc::bad_argument;
}

}  // namespace weir::platform
