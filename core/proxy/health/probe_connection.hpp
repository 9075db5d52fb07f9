#pragma once
// What the probes that connect share: a deadline over everything that their stream does, and the connecting itself.
// Control thread.

#include <string>
#include <string_view>

#include "core/coro/cancel.hpp"
#include "core/net/stream.hpp"
#include "core/proxy/health/probe.hpp"

namespace weir::proxy {

// Cancels what the stream has in flight, once, when the time is up or the check is no longer wanted. What is started
// after that is not cancelled: ask reached() before each operation. The stream outlives it.
class ProbeDeadline : Timer, CancelCallback {
 public:
  ProbeDeadline(Reactor& reactor, Stream& stream, Duration timeout, CancelToken token) noexcept
      : Timer([](Timer& timer) noexcept { static_cast<ProbeDeadline&>(timer).reach(Cause::time); }),
        CancelCallback([](CancelCallback& callback) noexcept {
          static_cast<ProbeDeadline&>(callback).reach(Cause::token);
        }),
        stream_(stream), timeout_(timeout) {
    reactor.timers().arm(*this, reactor.now() + timeout);
    token.subscribe(*this);
  }

  bool reached() const noexcept { return cause_ != Cause::none; }

  // Why an operation failed, for people: "no answer within 2000 ms" if the time was up.
  std::string explain(const Error& error, std::string_view awaited) const {
    return cause_ == Cause::time ? too_late(awaited, timeout_) : describe(error);
  }

 private:
  enum class Cause : std::uint8_t { none, time, token };  // the first one stays

  void reach(Cause cause) noexcept {
    if (reached()) return;
    cause_ = cause;
    stream_.cancel(Direction::both);
  }

  Stream& stream_;
  Duration timeout_;
  Cause cause_ = Cause::none;
};

// Connects to the first of the endpoint's addresses that accepts. Passed: the stream is connected. Else it is closed.
Task<Probe> connect_for_probe(Reactor& reactor, Stream& stream, const ProbeTarget& target, ProbeDeadline& deadline);

}  // namespace weir::proxy
