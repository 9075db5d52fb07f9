// select of Windows: a set is an array of sockets, and holds no other handles. A connection that fails is reported in
// the third set only. As with poll, armed directions are reported once and then forgotten. Windows.
#ifdef _WIN32

// The 512 sockets of the rule (CPython's build has the same number), and the wakeup. In this file only: elsewhere a set
// keeps the system's size.
#define FD_SETSIZE 513
#include <algorithm>
#include <vector>

#include "core/backends/readiness.hpp"
#include "core/backends/registry.hpp"
#include "core/platform/clock.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir {
namespace {

constexpr std::uint32_t most_sockets = 512;
static_assert(FD_SETSIZE == most_sockets + 1);
static_assert(std::size(fd_set{}.fd_array) == FD_SETSIZE);

constexpr std::uint32_t absent = UINT32_MAX;

class SelectBackend final : public ReadinessBackend {
 public:
  explicit SelectBackend(const Capabilities& capabilities) noexcept : ReadinessBackend(capabilities) {}

  Error start() noexcept {
    if (const Error error = open_wakeup()) return error;
    watched_.push_back({platform::socket_of(wake_descriptor()), wake_token, bits(Interest::read)});
    return {};
  }

  Error attach(Handle& handle) noexcept override {
    if (attached() == most_sockets) return refused(platform_limits(capabilities_.platform).max_sockets_rule);
    if (const Error error = ReadinessBackend::attach(handle)) return error;
    if (handle.slot >= places_.size()) places_.resize(handle.slot + std::size_t{1}, absent);
    return {};
  }

 private:
  // A socket with a waiter, and in which directions.
  struct Watched {
    SOCKET socket;
    Token token;
    std::uint8_t interest;
  };

  Error arm(Handle& handle, Interest interest) noexcept override;
  void poll(TimePoint until, FiredList& fired) noexcept override;
  void fill_sets() noexcept;
  void collect(const fd_set& set, std::uint8_t what) noexcept;
  void report(std::size_t place, FiredList& fired) noexcept;
  void report_closed(FiredList& fired) noexcept;
  void take_out(std::size_t place) noexcept;

  std::vector<Watched> watched_;       // the wakeup first
  std::vector<std::uint32_t> places_;  // by slot: where in watched_, or absent
  std::vector<std::uint8_t> found_;    // by place: what the last call reported
  fd_set readable_, writable_, failed_;
};

constexpr std::uint8_t failed_bit = 4;

Error SelectBackend::arm(Handle& handle, Interest interest) noexcept {
  std::uint32_t& place = places_[handle.slot];
  if (interest == Interest::none) {
    if (place != absent) take_out(place);
    handle.armed = 0;
    return {};
  }
  if (place == absent) {
    place = static_cast<std::uint32_t>(watched_.size());
    watched_.push_back({platform::socket_of(handle), token_of(handle), 0});
  }
  handle.armed |= bits(interest);
  watched_[place].interest = handle.armed;
  return {};
}

void SelectBackend::take_out(std::size_t place) noexcept {
  places_[watched_[place].token.slot] = absent;
  if (place + 1 < watched_.size()) {
    watched_[place] = watched_.back();
    places_[watched_[place].token.slot] = static_cast<std::uint32_t>(place);
  }
  watched_.pop_back();
}

void SelectBackend::fill_sets() noexcept {
  readable_.fd_count = writable_.fd_count = 0;
  for (const Watched& watched : watched_) {
    // FD_SET would look for the socket among those that are in the set.
    if ((watched.interest & bits(Interest::read)) != 0) readable_.fd_array[readable_.fd_count++] = watched.socket;
    if ((watched.interest & bits(Interest::write)) != 0) writable_.fd_array[writable_.fd_count++] = watched.socket;
  }
  failed_ = writable_;
}

void SelectBackend::poll(TimePoint until, FiredList& fired) noexcept {
  const Duration time = time_until(until);
  constexpr std::int64_t longest = 100'000'000;  // seconds; a longer wait is repeated
  const auto rounded = std::chrono::ceil<std::chrono::microseconds>(time).count();
  timeval limit{static_cast<long>(std::min(rounded / 1'000'000, longest)), static_cast<long>(rounded % 1'000'000)};
  fill_sets();
  const int ready = ::select(0, &readable_, &writable_, &failed_, until == TimePoint::max() ? nullptr : &limit);
  if (ready < 0) return report_closed(fired);
  if (ready == 0) return;
  found_.assign(watched_.size(), 0);
  collect(readable_, bits(Interest::read));
  collect(writable_, bits(Interest::write));
  collect(failed_, failed_bit);
  // From the back, so that what takes a removed entry's place has been looked at.
  for (std::size_t place = watched_.size(); place-- > 0;) {
    if (found_[place] != 0) report(place, fired);
  }
}

// What is left in a set is in the order in which it was put there, so that one walk finds all; should a system see that
// differently, it is looked for from the start.
void SelectBackend::collect(const fd_set& set, std::uint8_t what) noexcept {
  auto next = watched_.begin();
  for (u_int i = 0; i < set.fd_count; ++i) {
    const auto is_it = [&](const Watched& watched) { return watched.socket == set.fd_array[i]; };
    auto at = std::find_if(next, watched_.end(), is_it);
    if (at == watched_.end()) at = std::find_if(watched_.begin(), next, is_it);
    if (at == watched_.end()) continue;
    found_[static_cast<std::size_t>(at - watched_.begin())] |= what;
    next = at + 1;
  }
}

void SelectBackend::report(std::size_t place, FiredList& fired) noexcept {
  const std::uint8_t what = found_[place];
  const bool broken = (what & failed_bit) != 0;
  Watched& watched = watched_[place];
  fired.push_back({watched.token, (what & bits(Interest::read)) != 0, (what & bits(Interest::write)) != 0, broken});
  if (place == 0) return;
  Handle& handle = *handle_at(watched.token.slot);
  handle.armed &= static_cast<std::uint8_t>(broken ? 0 : ~what);
  watched.interest = handle.armed;
  if (handle.armed == 0) take_out(place);
}

// A socket was closed behind our back, by the other owner of an adopted one. select does not say which: find
// it, and let its ops fail, instead of failing for ever. Where it is none of them, it is the wakeup or select itself.
void SelectBackend::report_closed(FiredList& fired) noexcept {
  const Error error = platform::last_error();
  for (std::size_t place = watched_.size(); place-- > 1;) {
    int type = 0;
    int size = sizeof type;
    if (::getsockopt(watched_[place].socket, SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size) == 0) continue;
    const Token token = watched_[place].token;
    fired.push_back({token, true, true, true});
    handle_at(token.slot)->armed = 0;
    take_out(place);
  }
  if (fired.empty() && error.code != Errc::interrupted) fail(error);
}

}  // namespace

Result<std::unique_ptr<Backend>> make_select_backend() noexcept {
  const Platform platform{Os::windows, 0, BackendKind::select};
  auto backend =
      std::make_unique<SelectBackend>(Capabilities{"select", platform, most_sockets, platform::monotonic_resolution()});
  if (const Error error = backend->start()) return std::unexpected(error);
  return backend;
}

}  // namespace weir

#endif
