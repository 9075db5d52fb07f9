// poll: a compact array of the descriptors with a waiter. Armed directions are reported once and then
// forgotten, so the array holds no descriptor without a waiter: hang-ups are reported without having been asked.
// POSIX.
#ifndef _WIN32

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "core/backends/readiness.hpp"
#include "core/backends/registry.hpp"
#include "core/platform/errors.hpp"

namespace weir {
namespace {

constexpr std::uint32_t absent = UINT32_MAX;

class PollBackend final : public ReadinessBackend {
 public:
  explicit PollBackend(const Capabilities& capabilities) noexcept : ReadinessBackend(capabilities) {}

  Error start() noexcept {
    if (const Error error = open_wakeup()) return error;
    watched_.push_back({static_cast<int>(wake_descriptor()), POLLIN, 0});
    tokens_.push_back(wake_token);
    return {};
  }

  Error attach(Handle& handle) noexcept override {
    if (const Error error = ReadinessBackend::attach(handle)) return error;
    if (handle.slot >= places_.size()) places_.resize(handle.slot + std::size_t{1}, absent);
    return {};
  }

 private:
  Error arm(Handle& handle, Interest interest) noexcept override;
  void poll(TimePoint until, FiredList& fired) noexcept override;
  void take_out(std::size_t place) noexcept;
  bool report(std::size_t place, FiredList& fired) noexcept;

  std::vector<pollfd> watched_;        // the wakeup first
  std::vector<Token> tokens_;          // of the same place in watched_
  std::vector<std::uint32_t> places_;  // by slot: where in watched_, or absent
};

Error PollBackend::arm(Handle& handle, Interest interest) noexcept {
  std::uint32_t& place = places_[handle.slot];
  if (interest == Interest::none) {
    if (place != absent) take_out(place);
    handle.armed = 0;
    return {};
  }
  if (place == absent) {
    place = static_cast<std::uint32_t>(watched_.size());
    watched_.push_back({static_cast<int>(handle.native), 0, 0});
    tokens_.push_back(token_of(handle));
  }
  handle.armed |= bits(interest);
  watched_[place].events = static_cast<short>(((handle.armed & bits(Interest::read)) != 0 ? POLLIN : 0) |
                                              ((handle.armed & bits(Interest::write)) != 0 ? POLLOUT : 0));
  return {};
}

void PollBackend::take_out(std::size_t place) noexcept {
  places_[tokens_[place].slot] = absent;
  if (place + 1 < watched_.size()) {
    watched_[place] = watched_.back();
    tokens_[place] = tokens_.back();
    places_[tokens_[place].slot] = static_cast<std::uint32_t>(place);
  }
  watched_.pop_back();
  tokens_.pop_back();
}

void PollBackend::poll(TimePoint until, FiredList& fired) noexcept {
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(time_until(until)).count();
  const int limit = until == TimePoint::max() ? -1 : static_cast<int>(std::min<std::int64_t>(rounded, INT32_MAX));
  int left = ::poll(watched_.data(), static_cast<nfds_t>(watched_.size()), limit);
  if (left < 0 && errno != EINTR) return fail(platform::last_error());
  // From the back, so that what takes a removed entry's place has been looked at.
  for (std::size_t place = watched_.size(); place-- > 0 && left > 0;) {
    if (report(place, fired)) --left;
  }
}

bool PollBackend::report(std::size_t place, FiredList& fired) noexcept {
  pollfd& watched = watched_[place];
  const short events = watched.revents;
  if (events == 0) return false;
  fired.push_back({tokens_[place], (events & POLLIN) != 0, (events & POLLOUT) != 0,
                   (events & (POLLHUP | POLLERR | POLLNVAL)) != 0});
  if (place == 0) return true;
  Handle& handle = *handle_at(tokens_[place].slot);
  watched.revents = 0;
  watched.events &= static_cast<short>(~events);
  if ((events & POLLIN) != 0) handle.armed &= static_cast<std::uint8_t>(~bits(Interest::read));
  if ((events & POLLOUT) != 0) handle.armed &= static_cast<std::uint8_t>(~bits(Interest::write));
  if ((events & (POLLHUP | POLLERR | POLLNVAL)) != 0) handle.armed = 0;
  if (handle.armed == 0) take_out(place);
  return true;
}

}  // namespace

Result<std::unique_ptr<Backend>> make_poll_backend() noexcept {
  const Platform platform{compiled_os(), 0, BackendKind::poll};
  auto backend = std::make_unique<PollBackend>(Capabilities{"poll", platform, 0, std::chrono::milliseconds{1}});
  if (const Error error = backend->start()) return std::unexpected(error);
  return backend;
}

}  // namespace weir

#endif
