// kqueue: every registration reports once and is forgotten, and is renewed in the call that waits: no system call of
// its own, and no event for a direction without a waiter. macOS and the BSDs; Linux through libkqueue, for tests.
#ifdef WEIR_KQUEUE

#include <fcntl.h>
#include <sys/types.h>
// after it
#include <sys/event.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <new>
#include <thread>
#include <utility>

#include "core/backends/readiness.hpp"
#include "core/backends/registry.hpp"
#include "core/platform/clock.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/fallbacks.hpp"
#include "core/platform/version.hpp"

namespace weir {
namespace {

using Event = struct kevent;
using UserData = decltype(Event::udata);  // a pointer, or an integer of that size on older NetBSD

constexpr std::size_t max_events = 512;
constexpr std::size_t max_changes = 128;
constexpr unsigned report_once = EV_ADD | EV_ONESHOT;

static_assert(sizeof(UserData) == sizeof(Token));

UserData user_data(Token token) noexcept { return (UserData)std::bit_cast<std::uintptr_t>(token); }
Token token_in(const Event& event) noexcept { return std::bit_cast<Token>((std::uintptr_t)event.udata); }

Event change(std::uintptr_t ident, int filter, unsigned flags, Token token, unsigned what = 0) noexcept {
  Event event{};
  event.ident = ident;
  event.filter = static_cast<decltype(event.filter)>(filter);
  event.flags = static_cast<decltype(event.flags)>(flags);
  event.fflags = what;
  event.udata = user_data(token);
  return event;
}

#ifdef EVFILT_USER
// Ends the wait of another thread; the queue's number is all that is shared.
void trigger(NativeHandle queue) noexcept {
  const Event event = change(0, EVFILT_USER, 0, wake_token, NOTE_TRIGGER);
  const int saved = errno;
  while (::kevent(static_cast<int>(queue), &event, 1, nullptr, 0, nullptr) < 0 && errno == EINTR) {}
  errno = saved;
}
#endif

class KqueueBackend final : public ReadinessBackend {
 public:
  explicit KqueueBackend(const Capabilities& capabilities) noexcept : ReadinessBackend(capabilities) {}
  ~KqueueBackend() override;

  Error start() noexcept;

 private:
  Error arm(Handle& handle, Interest interest) noexcept override;
  bool arms_numbers() const noexcept override { return true; }
  void poll(TimePoint until, FiredList& fired) noexcept override;

  Error apply(const Event& event) noexcept;
  Error arm_child(const ChildProcess& child) noexcept;
  void forget(Handle& handle) noexcept;
  void report(const Event& event, FiredList& fired) noexcept;

  int queue_ = -1;
  std::size_t changes_made_ = 0;  // of changes_: what the next wait registers
  bool one_by_one_ = false;       // a change of a wait was refused: changes are now made singly, to report why
  FiredList gone_children_;       // before they could be watched: reported by the next wait
  std::array<Event, max_changes> changes_;
  std::array<Event, max_events> events_;
};

KqueueBackend::~KqueueBackend() {
  if (queue_ < 0) return;
#ifdef LIBKQUEUE
  // It hears of the close on a thread of its own, by the number of a descriptor, and only then closes what belongs to
  // the queue: if that number is another queue's by then, 2.7.0 takes that one away. The queue is gone when its mark
  // is.
  Event mark = change(reinterpret_cast<std::uintptr_t>(this), EVFILT_USER, EV_ADD, wake_token);
  const bool marked = !apply(mark);
  ::close(queue_);
  mark.flags = EV_DISABLE;
  while (marked && !apply(mark)) std::this_thread::yield();
#else
  ::close(queue_);
#endif
}

Error KqueueBackend::start() noexcept {
  queue_ = ::kqueue();
  if (queue_ < 0) return platform::last_error();
  ::fcntl(queue_, F_SETFD, FD_CLOEXEC);
#ifdef EVFILT_USER
  if (!platform::fallbacks_forced() && !apply(change(0, EVFILT_USER, EV_ADD | EV_CLEAR, wake_token))) {
    open_wakeup(trigger, queue_);
    return {};
  }
#endif
  if (const Error error = open_wakeup()) return error;
  const auto descriptor = static_cast<std::uintptr_t>(wake_descriptor());
  return apply(change(descriptor, EVFILT_READ, EV_ADD | EV_CLEAR, wake_token));
}

// One change, now. No room for events: what is wrong with it is the result of the call.
Error KqueueBackend::apply(const Event& event) noexcept {
  constexpr timespec at_once{};
  const int result = ::kevent(queue_, &event, 1, nullptr, 0, &at_once);
  return result >= 0 || errno == EINTR ? Error{} : platform::last_error();  // interrupted after the change was made
}

Error KqueueBackend::arm(Handle& handle, Interest interest) noexcept {
  if (interest == Interest::none) {
    forget(handle);
    return {};
  }
  Error error;
  if (handle.kind == HandleKind::child) {
    error = arm_child(static_cast<const ChildProcess&>(handle));
  } else {
    const int filter = interest == Interest::read ? EVFILT_READ : EVFILT_WRITE;
    const auto descriptor = static_cast<std::uintptr_t>(handle.native);
    const Event event = change(descriptor, filter, report_once, token_of(handle));
    // A socket of ours can be watched. Of other descriptors it is found out here, where the op can still be refused.
    const bool socket = handle.kind == HandleKind::stream_socket || handle.kind == HandleKind::listener;
    if (socket && !one_by_one_ && changes_made_ < max_changes) {
      changes_[changes_made_++] = event;
    } else {
      error = apply(event);
    }
  }
  // Files and some devices have no readiness, and each system says so in its own way.
  const int number = error.native;
  if (number == EPERM || number == EINVAL || number == ENODEV || number == EOPNOTSUPP) {
    error = refused(rule_named("regular-files-not-watchable"));
  }
  if (!error) handle.armed |= bits(interest);
  return error;
}

Error KqueueBackend::arm_child(const ChildProcess& child) noexcept {
  const Error error = apply(change(child.id, EVFILT_PROC, report_once, token_of(child), NOTE_EXIT));
  if (error.native != ESRCH) return error;
  // It has ended since it was last looked at, and this system does not find it any more.
  try {
    gone_children_.push_back({token_of(child), true, false, true});
  } catch (const std::bad_alloc&) { return Errc::out_of_memory; }
  return {};
}

// The close of a descriptor takes its registrations along. What has not been registered yet must not be: the number is
// reused by then.
void KqueueBackend::forget(Handle& handle) noexcept {
  const auto armed = std::exchange(handle.armed, std::uint8_t{0});
  if (handle.kind == HandleKind::child) {
    apply(change(static_cast<const ChildProcess&>(handle).id, EVFILT_PROC, EV_DELETE, {}));
    return;
  }
  const auto descriptor = static_cast<std::uintptr_t>(handle.native);
  const auto end = changes_.begin() + static_cast<std::ptrdiff_t>(changes_made_);
  const auto kept =
      std::remove_if(changes_.begin(), end, [=](const Event& event) { return event.ident == descriptor; });
  changes_made_ = static_cast<std::size_t>(kept - changes_.begin());
#ifdef LIBKQUEUE
  // It cannot know of the close.
  if ((armed & bits(Interest::read)) != 0) apply(change(descriptor, EVFILT_READ, EV_DELETE, {}));
  if ((armed & bits(Interest::write)) != 0) apply(change(descriptor, EVFILT_WRITE, EV_DELETE, {}));
#else
  static_cast<void>(armed);
#endif
}

void KqueueBackend::poll(TimePoint until, FiredList& fired) noexcept {
  if (!gone_children_.empty()) {
    until = TimePoint{};
    fired.insert(fired.end(), gone_children_.begin(), gone_children_.end());
    gone_children_.clear();
  }
  // Some systems refuse more than this many seconds; a longer wait is repeated.
  constexpr std::int64_t longest = 100'000'000;
  const Duration time = time_until(until);
  const timespec limit{std::min(time.count() / 1'000'000'000, longest), time.count() % 1'000'000'000};
  const int count = ::kevent(queue_, changes_.data(), static_cast<int>(changes_made_), events_.data(), int{max_events},
                             until == TimePoint::max() ? nullptr : &limit);
  if (count < 0 && errno != EINTR) return fail(platform::last_error());
  changes_made_ = 0;  // also when a signal has ended the sleep: they were made before
  for (int i = 0; i < count; ++i) report(events_[static_cast<std::size_t>(i)], fired);
}

void KqueueBackend::report(const Event& event, FiredList& fired) noexcept {
  const Token token = token_in(event);
  const bool writable = event.filter == EVFILT_WRITE;
  bool hung_up = (event.flags & EV_EOF) != 0;
  if (token.slot != wake_token.slot) {
    Handle* handle = handle_at(token.slot);
    if (handle != nullptr && handle->generation == token.generation) {
      handle->armed &= static_cast<std::uint8_t>(~bits(writable ? Interest::write : Interest::read));
    }
    if ((event.flags & EV_ERROR) != 0) {
      one_by_one_ = true;  // the op is tried again, asks again, and gets its answer
      hung_up = false;
    }
  }
  fired.push_back({token, !writable, writable, hung_up});
}

}  // namespace

Result<std::unique_ptr<Backend>> make_kqueue_backend() noexcept {
  const Platform platform{compiled_os(), platform::system_version(), BackendKind::kqueue};
  auto backend = std::make_unique<KqueueBackend>(Capabilities{"kqueue", platform, 0, platform::monotonic_resolution()});
  if (const Error error = backend->start()) return std::unexpected(error);
  return backend;
}

}  // namespace weir

#endif
