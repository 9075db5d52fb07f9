#include "core/proxy/server.hpp"

#include <vector>

#include "core/proxy/acceptor.hpp"
#include "core/proxy/connection_table.hpp"
#include "core/proxy/engine.hpp"
#include "core/proxy/h1/client_side.hpp"
#include "core/proxy/h1/upstream_stream.hpp"
#include "core/proxy/pooled_source.hpp"
#include "core/reactor/awaitables.hpp"

namespace weir::proxy {

// The timer bounds a drain.
class Server::Impl : Timer {
 public:
  Impl(Reactor& reactor, std::shared_ptr<const Snapshot> snapshot, const ServerOptions& options)
      : Timer([](Timer& timer) noexcept { static_cast<Impl&>(timer).stop(); }),
        upstream_side(reactor, snapshot->spec->limits),
        engine(reactor, std::move(snapshot), options),
        source(engine.pools, upstream_side),
        client_side(engine, connections),
        connections(engine, client_side) {
    engine.source = &source;
    upstream_side.watch(engine.trim);
    client_side.watch(engine.trim);
  }

  Task<Result<void>> run();
  void close_listeners() noexcept;
  void drain() noexcept;
  void stop() noexcept;

  h1::UpstreamSide upstream_side;
  Engine engine;
  PooledSource source;
  h1::ClientSide client_side;
  ConnectionTable connections;

 private:
  Error open_listeners();
  Error open_listener(std::uint32_t index, const OpenSpec& spec);
  Task<void> close_upstreams();
  void enter(RunState state) noexcept;

  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  Scope accepting_;  // the acceptors that run
  Event ending_;     // the server is not serving any more
};

Error Server::Impl::open_listener(std::uint32_t index, const OpenSpec& spec) {
  acceptors_.push_back(std::make_unique<Acceptor>(engine, connections, index));
  return acceptors_.back()->open(spec);
}

Error Server::Impl::open_listeners() {
  for (const AdoptedListener& adopted : engine.options.listeners) {
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = adopted.native;
    if (const Error error = open_listener(adopted.listener, spec)) return error;
  }
  if (!engine.options.listeners.empty() || engine.options.takes_over) return {};
  for (std::uint32_t i = 0; i < engine.spec().listeners.size(); ++i) {
    for (const Address& address : engine.spec().listeners[i].bind) {
      OpenSpec spec;
      spec.what = OpenSpec::What::listener;
      spec.address = address;
      if (const Error error = open_listener(i, spec)) return error;
    }
  }
  return {};
}

Task<Result<void>> Server::Impl::run() {
  if (const Error error = open_listeners()) {
    for (const auto& acceptor : acceptors_) acceptor->close();
    co_return std::unexpected(error);
  }
  const SharedCounters* shared = engine.options.shared;
  const std::size_t sockets = shared ? shared->listening : acceptors_.size();
  for (const auto& acceptor : acceptors_) accepting_.spawn(acceptor->run(sockets));
  if (engine.options.takes_over) co_await ending_.wait();
  co_await accepting_.join();
  // An idle connection is in no scope and starts a task when its next request comes: first all are gone, then all
  // tasks.
  while (!connections.empty()) co_await connections.all_closed().wait();
  enter(RunState::over);
  co_await engine.scope.join();
  engine.reactor.timers().disarm(*this);
  auto closing = close_upstreams();
  co_await closing;
  co_return Result<void>{};
}

// Receives that are cancelled end within a turn.
Task<void> Server::Impl::close_upstreams() {
  engine.pools.close_idle();
  while (engine.pools.live() > 0) {
    const TimePoint soon = engine.reactor.now() + Duration{1};
    const bool slept = co_await SleepUntil(engine.reactor, soon);
    static_cast<void>(slept);
  }
}

void Server::Impl::enter(RunState state) noexcept {
  if (engine.state < state) engine.state = state;
}

void Server::Impl::close_listeners() noexcept {
  for (const auto& acceptor : acceptors_) acceptor->end();
}

void Server::Impl::drain() noexcept {
  if (engine.draining()) return;
  enter(RunState::draining);
  ending_.set();
  close_listeners();
  connections.drain();
  const Duration bound = engine.spec().runtime.shutdown.timeout;
  if (bound > Duration{}) engine.reactor.timers().arm(*this, engine.reactor.now() + bound);
}

void Server::Impl::stop() noexcept {
  enter(RunState::stopping);
  ending_.set();
  close_listeners();
  connections.stop();
}

Server::Server(Reactor& reactor, std::shared_ptr<const Snapshot> snapshot, const ServerOptions& options)
    : impl_(std::make_unique<Impl>(reactor, std::move(snapshot), options)) {}

Server::~Server() = default;

Task<Result<void>> Server::run() { return impl_->run(); }
void Server::take_over(const AcceptedConnection& connection) noexcept { impl_->connections.take_over(connection); }
void Server::close_listeners() noexcept { impl_->close_listeners(); }
void Server::drain() noexcept { impl_->drain(); }
void Server::stop() noexcept { impl_->stop(); }
const ServerCounters& Server::counters() const noexcept { return impl_->engine.counters; }
std::uint32_t Server::connections() const noexcept { return impl_->connections.open(); }
std::uint32_t Server::idle_upstreams() const noexcept { return impl_->engine.pools.idle(); }
bool Server::draining() const noexcept { return impl_->engine.draining(); }

}  // namespace weir::proxy
