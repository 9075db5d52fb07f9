#include "core/proxy/server.hpp"

#include <optional>
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
        upstream_side(reactor),
        engine(reactor, std::move(snapshot), options),
        source(engine.pools, upstream_side),
        client_side(engine, connections),
        connections(engine, client_side) {
    engine.source = &source;
    upstream_side.watch(engine.trim);
    client_side.watch(engine.trim);
  }

  Task<Result<void>> run();
  Error prepare(Change change);
  void commit();
  void abandon() noexcept;
  void close_listeners() noexcept;
  void finish() noexcept;
  void drain() noexcept;
  void stop() noexcept;

  h1::UpstreamSide upstream_side;
  Engine engine;
  PooledSource source;
  h1::ClientSide client_side;
  ConnectionTable connections;

 private:
  using Acceptors = std::vector<std::unique_ptr<Acceptor>>;

  // The connections of a listener that is gone are cut when their time is up.
  struct Retirement : Timer {
    Retirement(ConnectionTable& table, std::uint32_t slot) noexcept
        : Timer([](Timer& timer) noexcept {
            auto& self = static_cast<Retirement&>(timer);
            self.connections.stop(self.listener);
          }),
          connections(table), listener(slot) {}
    ConnectionTable& connections;
    const std::uint32_t listener;
  };

  Error open_listeners();
  Error open_acceptor(Acceptors& acceptors, const AdoptedListener& listener, const OpenSpec& spec);
  Error adopt_socket(Acceptors& acceptors, const AdoptedListener& adopted);
  void settle_acceptors();
  void retire(std::uint32_t listener);
  void forget_retired() noexcept;
  Task<void> close_upstreams();
  void enter(RunState state) noexcept;
  void accept_no_more(RunState state) noexcept;

  Acceptors acceptors_;
  Scope accepting_;  // the acceptors that run
  Event ending_;     // the server is not serving any more
  std::optional<Change> change_;  // prepared
  Acceptors prepared_;            // those of its sockets that are new
  std::vector<std::unique_ptr<Retirement>> retirements_;
};

Error Server::Impl::open_acceptor(Acceptors& acceptors, const AdoptedListener& listener, const OpenSpec& spec) {
  acceptors.push_back(std::make_unique<Acceptor>(engine, connections, listener.listener, listener.socket));
  return acceptors.back()->open(spec);
}

Error Server::Impl::adopt_socket(Acceptors& acceptors, const AdoptedListener& adopted) {
  OpenSpec spec;
  spec.what = OpenSpec::What::adopt;
  spec.native = adopted.native;
  return open_acceptor(acceptors, adopted, spec);
}

Error Server::Impl::open_listeners() {
  for (const AdoptedListener& adopted : engine.options.listeners)
    if (const Error error = adopt_socket(acceptors_, adopted)) return error;
  if (!engine.options.listeners.empty() || engine.options.takes_over) return {};
  AdoptedListener own;
  for (const CompiledListener& listener : engine.snapshot->listeners) {
    own.listener = listener.state->slot;
    for (const Address& address : listener.spec->bind) {
      OpenSpec spec;
      spec.what = OpenSpec::What::listener;
      spec.address = address;
      if (const Error error = open_acceptor(acceptors_, own, spec)) return error;
      ++own.socket;
    }
  }
  return {};
}

Task<Result<void>> Server::Impl::run() {
  if (const Error error = open_listeners()) {
    for (const auto& acceptor : acceptors_) acceptor->close();
    co_return std::unexpected(error);
  }
  engine.listening = acceptors_.size();
  for (const auto& acceptor : acceptors_) accepting_.spawn(acceptor->run());
  co_await ending_.wait();
  co_await accepting_.join();
  // An idle connection is in no scope and starts a task when its next request comes: first all are gone, then all
  // tasks.
  while (!connections.empty()) co_await connections.all_closed().wait();
  enter(RunState::over);
  co_await engine.scope.join();
  engine.reactor.timers().disarm(*this);
  for (const auto& retirement : retirements_) engine.reactor.timers().disarm(*retirement);
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

// ---- a new configuration --------------------------------------------------------------------------------------------

Error Server::Impl::prepare(Change change) {
  WEIR_VERIFY(!change_);
  if (engine.draining()) {
    // The descriptors have passed to this server.
    for (const AdoptedListener& socket : change.sockets)
      if (socket.native != no_native_handle && !adopt_socket(prepared_, socket)) prepared_.back()->close();
    prepared_.clear();
    return Errc::cancelled;
  }
  change_ = std::move(change);
  Error failed;
  for (const AdoptedListener& socket : change_->sockets) {
    if (socket.native == no_native_handle) continue;
    if (const Error error = adopt_socket(prepared_, socket); error && !failed) failed = error;
  }
  if (failed) abandon();
  return failed;
}

void Server::Impl::abandon() noexcept {
  for (const auto& acceptor : prepared_) acceptor->close();
  prepared_.clear();
  change_.reset();
}

// In one turn: what comes next is served by the new configuration.
void Server::Impl::commit() {
  WEIR_VERIFY(change_);
  if (engine.draining()) return abandon();
  const std::vector<std::uint32_t> retired = engine.adopt(std::move(change_->snapshot));
  forget_retired();
  connections.reconfigured();
  settle_acceptors();
  for (const std::uint32_t listener : retired) retire(listener);
  change_.reset();
}

void Server::Impl::settle_acceptors() {
  for (const auto& acceptor : acceptors_) {
    const AdoptedListener* named = nullptr;
    for (const AdoptedListener& socket : change_->sockets)
      if (socket.socket == acceptor->socket()) named = &socket;
    if (named != nullptr) {
      acceptor->serve(named->listener);
    } else {
      acceptor->end();
    }
  }
  std::erase_if(acceptors_, [](const auto& acceptor) { return acceptor->over(); });
  for (auto& acceptor : prepared_) {
    accepting_.spawn(acceptor->run());
    acceptors_.push_back(std::move(acceptor));
  }
  prepared_.clear();
  engine.listening = change_->sockets.size();
}

void Server::Impl::retire(std::uint32_t listener) {
  connections.drain(listener);
  const Duration bound = engine.listeners[listener].snapshot->spec->runtime.shutdown.timeout;
  if (bound <= Duration{}) return;
  auto& retirement = *retirements_.emplace_back(std::make_unique<Retirement>(connections, listener));
  engine.reactor.timers().arm(retirement, engine.reactor.now() + bound);
}

// What retired listeners hold on to is let go once their connections are gone. One may also be back.
void Server::Impl::forget_retired() noexcept {
  std::erase_if(retirements_, [this](const auto& retirement) {
    const bool gone = engine.listeners[retirement->listener].retired && connections.open(retirement->listener) == 0;
    if (engine.listeners[retirement->listener].retired && !gone) return false;
    if (gone) engine.listeners.forget(retirement->listener, engine.snapshot);
    engine.reactor.timers().disarm(*retirement);
    return true;
  });
}

// ---- the end --------------------------------------------------------------------------------------------------------

void Server::Impl::enter(RunState state) noexcept {
  if (engine.state < state) engine.state = state;
}

void Server::Impl::close_listeners() noexcept {
  for (const auto& acceptor : acceptors_) acceptor->end();
}

void Server::Impl::finish() noexcept { accept_no_more(RunState::finishing); }

void Server::Impl::accept_no_more(RunState state) noexcept {
  if (engine.state >= state) return;
  enter(state);
  ending_.set();
  close_listeners();
  connections.drain();
}

void Server::Impl::drain() noexcept {
  if (engine.state >= RunState::draining) return;
  accept_no_more(RunState::draining);
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

// A listener of a configuration that this server has not taken up yet has no clients here.
void Server::make_room(std::uint32_t listener) noexcept {
  if (listener < impl_->engine.listeners.size()) impl_->connections.make_room(listener);
}

void Server::take_over(const AcceptedConnection& connection) noexcept { impl_->connections.take_over(connection); }
Error Server::prepare(Change change) { return impl_->prepare(std::move(change)); }
void Server::commit() { impl_->commit(); }
void Server::abandon() noexcept { impl_->abandon(); }
void Server::close_listeners() noexcept { impl_->close_listeners(); }
void Server::finish() noexcept { impl_->finish(); }
void Server::drain() noexcept { impl_->drain(); }
void Server::stop() noexcept { impl_->stop(); }
const ServerCounters& Server::counters() const noexcept { return impl_->engine.counters; }
std::uint32_t Server::connections() const noexcept { return impl_->connections.open(); }
std::uint32_t Server::idle_upstreams() const noexcept { return impl_->engine.pools.idle(); }
bool Server::draining() const noexcept { return impl_->engine.draining(); }

}  // namespace weir::proxy
