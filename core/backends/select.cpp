// select: the oldest interface, for where there is nothing else. Descriptors below FD_SETSIZE only: beyond it, FD_SET
// writes behind the set. As with poll, armed directions are reported once and then forgotten. POSIX.
#ifndef _WIN32

#include <fcntl.h>
#include <sys/select.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/backends/readiness.hpp"
#include "core/backends/registry.hpp"
#include "core/platform/child.hpp"
#include "core/platform/errors.hpp"

namespace weir {
namespace {

class SelectBackend final : public ReadinessBackend {
 public:
  explicit SelectBackend(const Capabilities& capabilities) noexcept : ReadinessBackend(capabilities) {
    FD_ZERO(&read_);
    FD_ZERO(&write_);
  }

  Error start() noexcept {
    if (const Error error = open_wakeup()) return error;
    if (!fits(wake_descriptor())) return too_large();
    watch(static_cast<int>(wake_descriptor()), wake_token, Interest::read);
    return {};
  }

  Error attach(Handle& handle) noexcept override {
    if (handle.kind == HandleKind::child && !fits(handle.native)) {
      platform::watch_by_number(static_cast<ChildProcess&>(handle));
    } else if (!fits(handle.native)) {
      return too_large();
    }
    return ReadinessBackend::attach(handle);
  }

 private:
  static bool fits(NativeHandle native) noexcept { return native < NativeHandle{FD_SETSIZE}; }
  Error too_large() const noexcept { return refused(platform_limits(capabilities_.platform).max_sockets_rule); }

  Error arm(Handle& handle, Interest interest) noexcept override;
  void poll(TimePoint until, FiredList& fired) noexcept override;
  void watch(int fd, Token token, Interest interest) noexcept;
  void forget(int fd, bool readable, bool writable) noexcept;
  void report_closed(FiredList& fired) noexcept;

  fd_set read_;
  fd_set write_;
  std::array<Token, FD_SETSIZE> tokens_{};  // by descriptor
  int highest_ = -1;
};

void SelectBackend::watch(int fd, Token token, Interest interest) noexcept {
  tokens_[static_cast<std::size_t>(fd)] = token;
  FD_SET(fd, interest == Interest::read ? &read_ : &write_);
  highest_ = std::max(highest_, fd);
}

void SelectBackend::forget(int fd, bool readable, bool writable) noexcept {
  if (readable) FD_CLR(fd, &read_);
  if (writable) FD_CLR(fd, &write_);
  while (highest_ >= 0 && !FD_ISSET(highest_, &read_) && !FD_ISSET(highest_, &write_)) --highest_;
}

Error SelectBackend::arm(Handle& handle, Interest interest) noexcept {
  const int fd = static_cast<int>(handle.native);
  if (interest == Interest::none) {
    forget(fd, true, true);
    handle.armed = 0;
    return {};
  }
  watch(fd, token_of(handle), interest);
  handle.armed |= bits(interest);
  return {};
}

void SelectBackend::poll(TimePoint until, FiredList& fired) noexcept {
  const Duration time = time_until(until);
  // Some systems refuse more than this many seconds; a longer wait is repeated.
  constexpr std::int64_t longest = 100'000'000;
  const timespec limit{std::min(time.count() / 1'000'000'000, longest), time.count() % 1'000'000'000};
  fd_set readable = read_;
  fd_set writable = write_;
  int left =
      ::pselect(highest_ + 1, &readable, &writable, nullptr, until == TimePoint::max() ? nullptr : &limit, nullptr);
  if (left < 0 && errno == EBADF) return report_closed(fired);
  if (left < 0 && errno != EINTR) return fail(platform::last_error());
  const int highest = highest_;
  for (int fd = 0; fd <= highest && left > 0; ++fd) {
    const bool in = FD_ISSET(fd, &readable);
    const bool out = FD_ISSET(fd, &writable);
    if (!in && !out) continue;
    left -= int{in} + int{out};
    const Token token = tokens_[static_cast<std::size_t>(fd)];
    fired.push_back({token, in, out, false});
    if (token.slot == wake_token.slot) continue;
    if (in) handle_at(token.slot)->armed &= static_cast<std::uint8_t>(~bits(Interest::read));
    if (out) handle_at(token.slot)->armed &= static_cast<std::uint8_t>(~bits(Interest::write));
    forget(fd, in, out);
  }
}

// A descriptor was closed behind our back, by the other owner of an adopted one. select does not say which:
// find it, and let its ops fail, instead of failing for ever.
void SelectBackend::report_closed(FiredList& fired) noexcept {
  const int highest = highest_;
  for (int fd = 0; fd <= highest; ++fd) {
    if (!FD_ISSET(fd, &read_) && !FD_ISSET(fd, &write_)) continue;
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    const Token token = tokens_[static_cast<std::size_t>(fd)];
    fired.push_back({token, true, true, true});
    handle_at(token.slot)->armed = 0;
    forget(fd, true, true);
  }
}

}  // namespace

Result<std::unique_ptr<Backend>> make_select_backend() noexcept {
  const Platform platform{compiled_os(), 0, BackendKind::select};
  auto backend = std::make_unique<SelectBackend>(
      Capabilities{"select", platform, static_cast<std::uint32_t>(FD_SETSIZE), Duration{1}});
  if (const Error error = backend->start()) return std::unexpected(error);
  return backend;
}

}  // namespace weir

#endif
