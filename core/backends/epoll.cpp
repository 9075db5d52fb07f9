// epoll: one registration per descriptor, edge-triggered, never changed while receiving: an idle connection that gets a
// request costs no epoll_ctl. Linux.
#ifdef __linux__

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

#include "core/backends/readiness.hpp"
#include "core/backends/registry.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/fallbacks.hpp"

namespace weir {
namespace {

constexpr std::size_t max_events = 512;
constexpr std::uint32_t in_events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET;
constexpr std::uint32_t hang_ups = EPOLLHUP | EPOLLERR | EPOLLRDHUP;

class EpollBackend final : public ReadinessBackend {
 public:
  explicit EpollBackend(const Capabilities& capabilities) noexcept : ReadinessBackend(capabilities) {}
  ~EpollBackend() override {
    if (epoll_ >= 0) ::close(epoll_);
  }

  Error start() noexcept {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return platform::last_error();
    if (const Error error = open_wakeup()) return error;
    precise_ = !platform::fallbacks_forced() && can_wait_precisely();
    capabilities_.clock_resolution = precise_ ? Duration{1} : std::chrono::milliseconds{1};
    return control(EPOLL_CTL_ADD, static_cast<int>(wake_descriptor()), EPOLLIN | EPOLLET, wake_token);
  }

 private:
  Error arm(Handle& handle, Interest interest) noexcept override;
  void poll(TimePoint until, FiredList& fired) noexcept override;
  int sleep(Duration time, bool forever) noexcept;
  bool can_wait_precisely() noexcept { return sleep(Duration{}, false) >= 0 && precise_; }

  Error control(int action, int fd, std::uint32_t events, Token token) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.u64 = std::bit_cast<std::uint64_t>(token);
    return ::epoll_ctl(epoll_, action, fd, &event) == 0 ? Error{} : platform::last_error();
  }

  int epoll_ = -1;
  bool precise_ = true;  // epoll_pwait2 (Linux 5.11): nanoseconds
  std::array<epoll_event, max_events> events_;
};

// A connection that waits to receive is registered for that only, else its being writable would be reported at once,
// for nothing. One that waits to send, or connects, is registered for both.
Error EpollBackend::arm(Handle& handle, Interest interest) noexcept {
  const int fd = static_cast<int>(handle.native);
  if (interest == Interest::none) {
    // The last close of an open file description takes its registration along, and ours is the only descriptor of it:
    // closed on exec and never duplicated. Should a child hold a copy between fork and exec, the generation tells.
    // Only what was adopted may live on in another process.
    if (handle.shared) control(EPOLL_CTL_DEL, fd, 0, {});
    handle.armed = 0;
    return {};
  }
  const Interest wanted = interest == Interest::read ? Interest::read : Interest::both;
  const std::uint32_t events = in_events | (wanted == Interest::both ? EPOLLOUT : 0U);
  const int action = handle.armed == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  Error error = control(action, fd, events, token_of(handle));
  if (error.native == EPERM) error = refused(rule_named("regular-files-not-watchable"));  // a file without readiness
  if (!error) handle.armed = bits(wanted);
  return error;
}

void EpollBackend::poll(TimePoint until, FiredList& fired) noexcept {
  const int count = sleep(time_until(until), until == TimePoint::max());
  if (count < 0 && errno != EINTR) fail(platform::last_error());
  for (int i = 0; i < count; ++i) {
    const std::uint32_t events = events_[i].events;
    // Urgent data cuts receives short of what is there: after it, as after the peer's end, short does not mean empty.
    fired.push_back({std::bit_cast<Token>(std::uint64_t{events_[i].data.u64}), (events & (EPOLLIN | EPOLLPRI)) != 0,
                     (events & EPOLLOUT) != 0, (events & (hang_ups | EPOLLPRI)) != 0});
  }
}

// Negative: errno says why.
int EpollBackend::sleep(Duration time, bool forever) noexcept {
#ifdef SYS_epoll_pwait2
  if (precise_) {
    struct {
      std::int64_t seconds, nanoseconds;
    } const limit{time.count() / 1'000'000'000, time.count() % 1'000'000'000};
    const long count = ::syscall(SYS_epoll_pwait2, epoll_, events_.data(), int{max_events}, forever ? nullptr : &limit,
                                 nullptr, std::size_t{0});
    if (count >= 0 || errno != ENOSYS) return static_cast<int>(count);
  }
#endif
  precise_ = false;
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  const int limit = static_cast<int>(std::min<std::int64_t>(rounded, INT32_MAX));
  return ::epoll_wait(epoll_, events_.data(), int{max_events}, forever ? -1 : limit);
}

}  // namespace

Result<std::unique_ptr<Backend>> make_epoll_backend() noexcept {
  const Platform platform{Os::linux_os, 0, BackendKind::epoll};
  auto backend = std::make_unique<EpollBackend>(Capabilities{"epoll", platform, 0, Duration{1}});
  if (const Error error = backend->start()) return std::unexpected(error);
  return backend;
}

}  // namespace weir

#endif
