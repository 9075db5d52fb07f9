#include "core/proxy/acceptor.hpp"

#include <utility>

#include "core/proxy/event_text.hpp"
#include "core/reactor/open.hpp"

namespace weir::proxy {
namespace {

// A listener that cannot accept (out of descriptors, or at its limit) tries again after this long.
constexpr Duration accept_pause = 50ms;
// A connection that is to make room is closed when its receive has ended: a turn or two later.
constexpr int turns_to_close = 4;
// And another worker, asked to close one, has done so after this long.
constexpr Duration time_to_answer = 2ms;
// After all others had nobody who was idle. A client counts as idle after a second.
constexpr Duration others_asked_every = 1s;
// The same is not reported more often.
constexpr Duration pause_told_every = 10s;
constexpr Duration made_room_told_every = 60s;

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

// At the limit, too, one client is accepted: only then is it known that somebody waits for room.
Task<void> Acceptor::run() {
  const SharedCounters* shared = engine_.options.shared;
  while (!ending()) {
    const std::size_t sockets = shared ? shared->listening.load(std::memory_order_relaxed) : engine_.listening;
    // Could every socket that listens have its backlog emptied at once? Then the backend may accept ahead.
    const bool holds_backlogs = connections_.room(listener_) / OpenSpec::default_backlog >= sockets;
    ClientConnection& connection = connections_.make(listener_);
    Accept accept(engine_.reactor, handle_, connection.stream.handle(), &connection.peer, holds_backlogs);
    accepting_ = &accept.op();
    const auto accepted = co_await accept;
    accepting_ = nullptr;
    connection.listener = listener_;  // a new configuration may have given the socket to another one meanwhile
    bool goes_on = false;
    if (accepted) {
      if (connections_.is_full(listener_)) {
        auto waiting = wait_for_room();
        co_await waiting;
      }
      goes_on = !is_local_exhaustion(connections_.place(connection));
      if (goes_on) {
        note_accepted();
      } else {
        ++engine_.counters.accept_pauses;  // the backend takes no more: the next client waits in the backlog
      }
    } else {
      connections_.discard(connection);
      const Error refusal = accepted.error();
      if (refusal.code == Errc::cancelled) break;
      if (is_local_exhaustion(refusal)) {
        auto making = make_room(refusal);
        goes_on = co_await making;
      } else {
        engine_.log_event("accept failed: " + describe(refusal));
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
  const Error at_limit;
  while (connections_.is_full(listener_) && !engine_.draining()) {
    auto making = make_room(at_limit);
    const bool made = co_await making;
    if (made) continue;
    const bool slept = co_await pause();
    if (!slept) break;
  }
}

// Without a refusal by the system it is for the limit. False: nobody who is idle can be asked to leave.
Task<bool> Acceptor::make_room(Error refusal) {
  const std::string lacking = shortage(refusal);
  auto here = make_room_here();
  bool made = co_await here;
  if (!made) {
    auto elsewhere = make_room_elsewhere();
    made = co_await elsewhere;
  }
  made ? note_made_room(lacking) : note_paused(lacking);
  co_return made;
}

Task<bool> Acceptor::make_room_here() {
  const std::uint32_t before = connections_.open();
  if (!connections_.make_room(listener_)) co_return false;
  for (int turn = 0; turn < turns_to_close && connections_.open() >= before; ++turn) {
    NextTurn next(engine_.reactor);
    co_await next;
  }
  co_return true;
}

// The idle ones are those of other workers: each is asked once. That wakes them, so it is not repeated at every pause.
Task<bool> Acceptor::make_room_elsewhere() {
  const ServerOptions& options = engine_.options;
  if (options.ask_for_room == nullptr || options.shared == nullptr) co_return false;
  if (engine_.reactor.now() < others_asked_next_) co_return false;
  const std::uint32_t before = options.shared->connections.load(std::memory_order_relaxed);
  for (std::uint32_t nth = 0; options.ask_for_room(options.worker_context, listener_, nth); ++nth) {
    SleepUntil answer(engine_.reactor, engine_.reactor.now() + time_to_answer, closing_.token());
    const bool slept = co_await answer;
    if (options.shared->connections.load(std::memory_order_relaxed) < before) co_return true;
    if (!slept) break;
  }
  others_asked_next_ = engine_.reactor.now() + others_asked_every;
  co_return false;
}

// Connections that the kernel has completed already would be reset by the close: they are served.
Task<void> Acceptor::accept_backlog() {
  // A bounded number: another process may accept from the same socket, and clients may never stop coming.
  for (int left = OpenSpec::default_backlog; left > 0; --left) {
    if (engine_.state >= RunState::stopping || connections_.is_full(listener_)) break;
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

// Who waits, for want of what, and how there is more of it.
std::string Acceptor::shortage(const Error& refusal) const {
  if (refusal) return describe(refusal) + "; raise the descriptor limit or set max_connections";
  const ListenerSpec& listener = engine_.listeners[listener_].spec();
  if (connections_.listener_is_full(listener_)) {
    return std::to_string(listener.max_connections) + " connections of listener \"" + listener.name +
           "\" are open, its max_connections; raise listeners." + listener.name + ".max_connections";
  }
  std::string text = std::to_string(engine_.snapshot->max_connections) + " connections are open, the most of the process";
  const PlatformLimits limits = platform_limits(engine_.reactor.backend().capabilities().platform);
  const Restriction* rule = restriction(limits.max_sockets_rule);
  if (rule == nullptr) rule = restriction(limits.descriptor_rule);
  if (rule != nullptr) text.append("; ").append(sentence_of(*rule));
  return text;
}

void Acceptor::note_paused(const std::string& lacking) noexcept {
  if (!std::exchange(paused_, true)) ++engine_.counters.accept_pauses;
  if (told_paused_ || engine_.reactor.now() < pause_told_next_) return;
  told_paused_ = true;
  pause_told_next_ = engine_.reactor.now() + pause_told_every;
  engine_.log_event("accept paused, no client is idle: " + lacking);
}

void Acceptor::note_made_room(const std::string& lacking) noexcept {
  if (engine_.reactor.now() < made_room_told_next_) return;
  made_room_told_next_ = engine_.reactor.now() + made_room_told_every;
  engine_.log_event("idle clients are closed to make room: " + lacking);
}

void Acceptor::note_accepted() noexcept {
  paused_ = false;
  if (!std::exchange(told_paused_, false)) return;
  engine_.log_event("accept resumed: listener \"" + engine_.listeners[listener_].spec().name + "\" has room again");
}

}  // namespace weir::proxy
