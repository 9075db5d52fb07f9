#include "core/proxy/server.hpp"

#include "core/proxy/engine.hpp"
#include "core/proxy/h1/client_side.hpp"
#include "core/proxy/h1/upstream_stream.hpp"
#include "core/proxy/pooled_source.hpp"
#include "core/reactor/awaitables.hpp"

namespace weir::proxy {

namespace {

// A listener that cannot accept (out of descriptors, or at its limit) tries again after this long.
constexpr Duration accept_pause = 50ms;

struct Listener {
  explicit Listener(std::uint32_t i) noexcept : index(i) {}
  std::uint32_t index;
  Handle handle;
  Op* accepting = nullptr;
  bool told_full = false;
  CancelSource closing;
};

// Accepts what is waiting already, or is cancelled.
struct AcceptWaiting : Accept {
  using Accept::Accept;
  bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    if (!Accept::await_suspend(waiter)) return false;
    reactor_.cancel(op_);
    return true;
  }
};

std::string sentence_of(const Restriction& rule) {
  return std::string(rule.sentence).append(" [").append(rule.id).append("]");
}

std::string reason_of(const Error& error) {
  const Restriction* rule = restriction(error.rule);
  return rule ? sentence_of(*rule) : describe(error);
}

}  // namespace

class Server::Impl : public Timer {
 public:
  Impl(Reactor& reactor, std::shared_ptr<const Snapshot> snapshot, const ServerOptions& options)
      : Timer([](Timer& timer) noexcept { static_cast<Impl&>(timer).stop(); }),
        upstream_side(reactor, snapshot->spec->limits),
        engine(reactor, std::move(snapshot), options),
        source(engine.pools, upstream_side),
        clients(engine) {
    engine.source = &source;
    engine.trimmed = {&upstream_side, &clients};
  }

  Error open_listeners() noexcept;
  Error open_listener(std::uint32_t index, const OpenSpec& spec) noexcept;
  Task<void> accept_loop(Listener& listener);
  Task<void> accept_waiting(Listener& listener);
  Error begin(h1::ClientConnection& connection) noexcept;
  Error admit(h1::ClientConnection& connection) noexcept;
  bool hand_over(h1::ClientConnection& connection) noexcept;
  void take_over(const AcceptedConnection& connection) noexcept;
  std::uint32_t room(std::uint32_t listener) const noexcept;
  bool is_full(std::uint32_t listener) const noexcept { return room(listener) == 0; }
  bool holds_backlogs(std::uint32_t room) const noexcept;
  void note_full(Listener& listener) noexcept;
  void drain() noexcept;
  void stop() noexcept;
  void close_listeners() noexcept;

  h1::UpstreamSide upstream_side;
  Engine engine;
  PooledSource source;
  h1::ClientSide clients;
  Scope accepting;  // the accept loops
  std::vector<std::unique_ptr<Listener>> listeners;
  Event ending;       // drain() or stop() was called
  bool over = false;  // no connection is taken over any more
};

Error Server::Impl::open_listener(std::uint32_t index, const OpenSpec& spec) noexcept {
  listeners.push_back(std::make_unique<Listener>(index));
  Handle& handle = listeners.back()->handle;
  Backend& backend = engine.reactor.backend();
  if (Error error = backend.open(handle, spec)) return error;
  return backend.attach(handle);
}

Error Server::Impl::open_listeners() noexcept {
  for (const AdoptedListener& adopted : engine.options.listeners) {
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = adopted.native;
    if (Error error = open_listener(adopted.listener, spec)) return error;
  }
  if (!engine.options.listeners.empty() || engine.options.takes_over) return {};
  for (std::uint32_t i = 0; i < engine.spec().listeners.size(); ++i) {
    for (const Address& address : engine.spec().listeners[i].bind) {
      OpenSpec spec;
      spec.what = OpenSpec::What::listener;
      spec.address = address;
      if (Error error = open_listener(i, spec)) return error;
    }
  }
  return {};
}

// How many more connections may be open that came by this listener.
std::uint32_t Server::Impl::room(std::uint32_t listener) const noexcept {
  constexpr std::uint32_t unbounded = UINT32_MAX;
  const auto left = [](std::uint32_t limit, std::uint32_t used) {
    return limit == 0 ? unbounded : limit - std::min(limit, used);
  };
  const SharedCounters* shared = engine.options.shared;
  const std::uint32_t all = shared ? shared->connections.load(std::memory_order_relaxed) : clients.open_count;
  const std::uint32_t of_process = left(engine.options.max_connections, all);
  const std::uint32_t own_limit = engine.spec().listeners[listener].max_connections;
  if (own_limit == 0) return of_process;
  std::uint32_t here = 0;
  if (shared && shared->per_listener) {
    here = shared->per_listener[listener].load(std::memory_order_relaxed);
  } else {
    const_cast<h1::ClientSide&>(clients).open.for_each([&](h1::ClientConnection& c) { here += c.listener == listener; });
  }
  return std::min(of_process, left(own_limit, here));
}

// Even if every socket that listens had its backlog emptied at once.
bool Server::Impl::holds_backlogs(std::uint32_t room) const noexcept {
  const std::size_t sockets = engine.options.shared ? engine.options.shared->listening : listeners.size();
  return room / OpenSpec::default_backlog >= sockets;
}

// Said once, and only where it is not the file's own limit: the administrator may not know of this one.
void Server::Impl::note_full(Listener& listener) noexcept {
  ++engine.counters.accept_pauses;
  if (engine.spec().listeners[listener.index].max_connections != 0 || std::exchange(listener.told_full, true)) return;
  const Platform& platform = engine.reactor.backend().capabilities().platform;
  std::string text =
      "accept paused: " + std::to_string(engine.options.max_connections) + " connections are open, more wait";
  if (const Restriction* rule = restriction(platform_limits(platform).max_sockets_rule)) {
    text.append("; ").append(sentence_of(*rule));
  }
  engine.log_event(text);
}

Task<void> Server::Impl::accept_loop(Listener& listener) {
  Reactor& reactor = engine.reactor;
  bool paused = false;
  while (!engine.draining && !listener.closing.cancelled()) {
    const std::uint32_t left = room(listener.index);
    if (left == 0) {
      if (!paused) note_full(listener);
      paused = true;
      const bool slept = co_await SleepUntil(reactor, reactor.now() + accept_pause, listener.closing.token());
      if (!slept) break;
      continue;
    }
    h1::ClientConnection* connection = clients.make(listener.index);
    Accept accept(reactor, listener.handle, connection->stream.handle(), &connection->peer, holds_backlogs(left));
    listener.accepting = &accept.op();
    auto accepted = co_await accept;
    listener.accepting = nullptr;
    if (accepted) {
      paused = false;
      // Another worker may have reached the limit while this one waited: the client waits on, as in the backlog.
      while (is_full(listener.index) && !engine.draining) {
        const bool slept = co_await SleepUntil(reactor, reactor.now() + accept_pause, listener.closing.token());
        if (!slept) break;
      }
      if (hand_over(*connection)) continue;
      const Error refusal = admit(*connection);
      if (!is_local_exhaustion(refusal)) continue;
      // There is no room for more: who comes next waits in the backlog.
      ++engine.counters.accept_pauses;
      const bool slept = co_await SleepUntil(reactor, reactor.now() + accept_pause, listener.closing.token());
      if (!slept) break;
      continue;
    }
    const Error error = accepted.error();
    clients.discard(connection);
    if (error.code == Errc::cancelled) break;
    if (is_local_exhaustion(error)) {
      if (!paused) {  // once an episode
        ++engine.counters.accept_pauses;
        engine.log_event("accept paused: " + describe(error) + "; raise the descriptor limit or set max_connections");
      }
      paused = true;
    } else {
      engine.log_event("accept failed: " + describe(error));
    }
    const bool slept = co_await SleepUntil(reactor, reactor.now() + accept_pause, listener.closing.token());
    if (!slept) break;
  }
  auto waiting = accept_waiting(listener);
  co_await waiting;
  reactor.backend().close(listener.handle);
}

// Connections that the kernel has completed already would be reset by the close: they are served.
Task<void> Server::Impl::accept_waiting(Listener& listener) {
  while (!engine.stopping && !is_full(listener.index)) {
    h1::ClientConnection* connection = clients.make(listener.index);
    AcceptWaiting accept(engine.reactor, listener.handle, connection->stream.handle(), &connection->peer);
    auto accepted = co_await accept;
    if (!accepted) {
      clients.discard(connection);
      break;
    }
    admit(*connection);
  }
}

// Where it was accepted.
Error Server::Impl::admit(h1::ClientConnection& connection) noexcept {
  engine.count_in(connection.listener);
  return begin(connection);
}

// To another worker. True: it is gone. What waits when the listener closes is served here: others may have ended.
bool Server::Impl::hand_over(h1::ClientConnection& connection) noexcept {
  const ServerOptions& options = engine.options;
  if (options.hand_over == nullptr || engine.draining) return false;
  if (!connection.peer.has_port()) return false;
  Handle& handle = connection.stream.handle();
  engine.count_in(connection.listener);
  if (!options.hand_over(options.hand_over_context, {connection.listener, handle.native, connection.peer})) {
    engine.count_out(connection.listener);
    return false;
  }
  static_cast<void>(handle.give());
  clients.discard(&connection);
  return true;
}

void Server::Impl::take_over(const AcceptedConnection& accepted) noexcept {
  h1::ClientConnection* connection = clients.make(accepted.listener);
  connection->stream.handle().take(accepted.native);
  connection->peer = accepted.peer;
  if (over || engine.stopping) {
    engine.count_out(accepted.listener);
    engine.reactor.backend().close(connection->stream.handle());
    clients.discard(connection);
    return;
  }
  begin(*connection);
}

// An error: the backend does not take it (select has its limits), and it is closed.
Error Server::Impl::begin(h1::ClientConnection& connection) noexcept {
  ++engine.counters.accepted;
  if (Error error = engine.reactor.backend().attach(connection.stream.handle())) {
    engine.log_event("a connection was refused: " + reason_of(error));
    engine.reactor.backend().close(connection.stream.handle());
    engine.count_out(connection.listener);
    clients.discard(&connection);
    return error;
  }
  const Forwarding& forwarding = engine.spec().forwarding;
  connection.trusted = !forwarding.trusted_proxies.empty() && is_trusted(connection.peer, forwarding);
  clients.begin(connection);
  return {};
}

void Server::Impl::close_listeners() noexcept {
  for (auto& listener : listeners) {
    listener->closing.cancel();
    if (listener->accepting) engine.reactor.cancel(*listener->accepting);
  }
}

void Server::Impl::drain() noexcept {
  if (engine.draining) return;
  engine.draining = true;
  ending.set();
  close_listeners();
  clients.drain();
  const Duration bound = engine.spec().runtime.shutdown.timeout;
  if (bound > Duration{}) engine.reactor.timers().arm(*this, engine.reactor.now() + bound);
}

void Server::Impl::stop() noexcept {
  engine.draining = true;
  engine.stopping = true;
  ending.set();
  close_listeners();
  clients.stop();
}

Server::Server(Reactor& reactor, std::shared_ptr<const Snapshot> snapshot, ServerOptions options)
    : impl_(std::make_unique<Impl>(reactor, std::move(snapshot), options)) {}

Server::~Server() = default;

Task<Result<void>> Server::run() {
  Impl& impl = *impl_;
  Engine& engine = impl.engine;
  const Error error = impl.open_listeners();
  if (error) {
    for (auto& listener : impl.listeners)
      if (listener->handle.is_open()) engine.reactor.backend().close(listener->handle);
    co_return std::unexpected(error);
  }
  for (auto& listener : impl.listeners) impl.accepting.spawn(impl.accept_loop(*listener));
  if (engine.options.takes_over) co_await impl.ending.wait();
  co_await impl.accepting.join();
  while (!impl.clients.open.empty()) co_await impl.clients.all_closed.wait();
  impl.over = true;
  co_await impl.clients.scope.join();
  engine.reactor.timers().disarm(impl);
  engine.pools.close_idle();
  while (engine.pools.live() > 0) {  // cancelled receives end within a turn
    const TimePoint soon = engine.reactor.now() + Duration{1};
    const bool slept = co_await SleepUntil(engine.reactor, soon);
    static_cast<void>(slept);
  }
  co_return Result<void>{};
}

void Server::take_over(const AcceptedConnection& connection) noexcept { impl_->take_over(connection); }
void Server::close_listeners() noexcept { impl_->close_listeners(); }
void Server::drain() noexcept { impl_->drain(); }
void Server::stop() noexcept { impl_->stop(); }
const ServerCounters& Server::counters() const noexcept { return impl_->engine.counters; }
std::uint32_t Server::connections() const noexcept { return impl_->clients.open_count; }
std::uint32_t Server::idle_upstreams() const noexcept { return impl_->engine.pools.idle(); }
bool Server::draining() const noexcept { return impl_->engine.draining; }

}  // namespace weir::proxy
