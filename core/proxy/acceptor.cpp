#include "core/proxy/acceptor.hpp"

#include <utility>

#include "core/proxy/event_text.hpp"
#include "core/reactor/open.hpp"

namespace weir::proxy {
namespace {

// A listener that cannot accept (out of descriptors, or at its limit) tries again after this long.
constexpr Duration accept_pause = 50ms;

// Accepts what is waiting already, or is cancelled.
struct AcceptWaiting : Accept {
  using Accept::Accept;
  bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    if (!Accept::await_suspend(waiter)) return false;
    reactor_.cancel(op_);
    return true;
  }
};

}  // namespace

Error Acceptor::open(const OpenSpec& spec) noexcept { return open_attached(engine_.reactor.backend(), handle_, spec); }

void Acceptor::close() noexcept {
  if (handle_.is_open()) engine_.reactor.backend().close(handle_);
}

Task<void> Acceptor::run(std::size_t sockets) {
  while (!ending()) {
    const std::uint32_t room = connections_.room(listener_);
    bool goes_on = false;
    if (room == 0) {
      note_full();
    } else {
      // Could every socket that listens have its backlog emptied at once? Then the backend may accept ahead.
      const bool holds_backlogs = room / OpenSpec::default_backlog >= sockets;
      ClientConnection& connection = connections_.make(listener_);
      Accept accept(engine_.reactor, handle_, connection.stream.handle(), &connection.peer, holds_backlogs);
      accepting_ = &accept.op();
      const auto accepted = co_await accept;
      accepting_ = nullptr;
      if (accepted) {
        paused_ = false;
        if (connections_.is_full(listener_)) {  // another worker has reached the limit meanwhile
          auto waiting = wait_for_room();
          co_await waiting;
        }
        const Error refusal = connections_.place(connection);
        goes_on = !is_local_exhaustion(refusal);
        if (!goes_on) ++engine_.counters.accept_pauses;  // no room for more: the next client waits in the backlog
      } else {
        connections_.discard(connection);
        if (accepted.error().code == Errc::cancelled) break;
        note_failure(accepted.error());
      }
    }
    if (goes_on) continue;
    const bool slept = co_await pause();
    if (!slept) break;
  }
  auto accepting = accept_backlog();
  co_await accepting;
  close();
}

// An accepted client waits as if it were in the backlog still.
Task<void> Acceptor::wait_for_room() {
  while (connections_.is_full(listener_) && !engine_.draining()) {
    const bool slept = co_await pause();
    if (!slept) break;
  }
}

// Connections that the kernel has completed already would be reset by the close: they are served.
Task<void> Acceptor::accept_backlog() {
  while (engine_.state < RunState::stopping && !connections_.is_full(listener_)) {
    ClientConnection& connection = connections_.make(listener_);
    AcceptWaiting accept(engine_.reactor, handle_, connection.stream.handle(), &connection.peer);
    const auto accepted = co_await accept;
    if (!accepted) {
      connections_.discard(connection);
      break;
    }
    connections_.serve(connection);
  }
}

void Acceptor::end() noexcept {
  closing_.cancel();
  if (accepting_) engine_.reactor.cancel(*accepting_);
}

// False: the listener is to close.
SleepUntil Acceptor::pause() noexcept {
  return SleepUntil(engine_.reactor, engine_.reactor.now() + accept_pause, closing_.token());
}

// Explained once, and only where the limit is not the file's own: the administrator may not know of this one.
void Acceptor::note_full() noexcept {
  if (std::exchange(paused_, true)) return;
  ++engine_.counters.accept_pauses;
  if (engine_.spec().listeners[listener_].max_connections != 0 || std::exchange(told_full_, true)) return;
  const Platform& platform = engine_.reactor.backend().capabilities().platform;
  std::string text =
      "accept paused: " + std::to_string(engine_.options.max_connections) + " connections are open, more wait";
  if (const Restriction* rule = restriction(platform_limits(platform).max_sockets_rule)) {
    text.append("; ").append(sentence_of(*rule));
  }
  engine_.log_event(text);
}

void Acceptor::note_failure(const Error& error) noexcept {
  if (!is_local_exhaustion(error)) return engine_.log_event("accept failed: " + describe(error));
  if (std::exchange(paused_, true)) return;
  ++engine_.counters.accept_pauses;
  engine_.log_event("accept paused: " + describe(error) + "; raise the descriptor limit or set max_connections");
}

}  // namespace weir::proxy
