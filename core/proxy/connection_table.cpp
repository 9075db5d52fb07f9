#include "core/proxy/connection_table.hpp"

#include <algorithm>

#include "core/proxy/event_text.hpp"
#include "core/proxy/forwarding.hpp"

namespace weir::proxy {

ConnectionTable::ConnectionTable(Engine& engine, ClientProtocol& protocol)
    : engine_(engine), protocol_(protocol), by_listener_(engine.spec().listeners.size()) {}

ConnectionTable::~ConnectionTable() { WEIR_VERIFY(empty()); }

std::uint32_t ConnectionTable::room(std::uint32_t listener) const noexcept {
  constexpr std::uint32_t unbounded = UINT32_MAX;
  const auto left = [](std::uint32_t limit, std::uint32_t used) {
    return limit == 0 ? unbounded : limit - std::min(limit, used);
  };
  const SharedCounters* shared = engine_.options.shared;
  const std::uint32_t all = shared ? shared->connections.load(std::memory_order_relaxed) : open_count_;
  const std::uint32_t of_process = left(engine_.options.max_connections, all);
  const std::uint32_t own_limit = engine_.spec().listeners[listener].max_connections;
  if (own_limit == 0) return of_process;
  const bool counted_together = shared && shared->per_listener;
  const std::uint32_t here =
      counted_together ? shared->per_listener[listener].load(std::memory_order_relaxed) : by_listener_[listener];
  return std::min(of_process, left(own_limit, here));
}

Error ConnectionTable::place(ClientConnection& connection) noexcept {
  return hand_over(connection) ? Error{} : serve(connection);
}

Error ConnectionTable::serve(ClientConnection& connection) noexcept {
  count_in(connection.listener);
  return begin(connection);
}

// To another worker. True: it is gone. What waits when the listener closes is served here: others may have ended.
bool ConnectionTable::hand_over(ClientConnection& connection) noexcept {
  const ServerOptions& options = engine_.options;
  if (options.hand_over == nullptr || engine_.draining() || !connection.peer.has_port()) return false;
  Handle& handle = connection.stream.handle();
  count_in(connection.listener);
  if (!options.hand_over(options.hand_over_context, {connection.listener, handle.native, connection.peer})) {
    count_out(connection.listener);
    return false;
  }
  static_cast<void>(handle.give());
  discard(connection);
  return true;
}

void ConnectionTable::take_over(const AcceptedConnection& accepted) noexcept {
  ClientConnection& connection = make(accepted.listener);
  connection.stream.handle().take(accepted.native);
  connection.peer = accepted.peer;
  if (engine_.state < RunState::stopping) {
    begin(connection);
    return;
  }
  count_out(accepted.listener);
  engine_.reactor.backend().close(connection.stream.handle());
  discard(connection);
}

// An error: the backend does not take it (select has its limits), and it is closed.
Error ConnectionTable::begin(ClientConnection& connection) noexcept {
  ++engine_.counters.accepted;
  if (const Error error = engine_.reactor.backend().attach(connection.stream.handle())) {
    engine_.log_event("a connection was refused: " + reason_of(error));
    engine_.reactor.backend().close(connection.stream.handle());
    count_out(connection.listener);
    discard(connection);
    return error;
  }
  const Forwarding& forwarding = engine_.spec().forwarding;
  connection.trusted = !forwarding.trusted_proxies.empty() && is_trusted(connection.peer, forwarding);
  open_.push_back(connection);
  ++open_count_;
  ++by_listener_[connection.listener];
  all_closed_.reset();
  connection.begin();
  return {};
}

void ConnectionTable::connection_closed(ClientConnection& connection) noexcept {
  List<ClientConnection>::erase(connection);
  count_out(connection.listener);
  --open_count_;
  --by_listener_[connection.listener];
  discard(connection);
  if (empty()) all_closed_.set();
}

void ConnectionTable::drain() noexcept {
  open_.for_each([](ClientConnection& connection) { connection.drain(); });
}

void ConnectionTable::stop() noexcept {
  open_.for_each([](ClientConnection& connection) { connection.stop(); });
}

void ConnectionTable::count_in(std::uint32_t listener) noexcept {
  SharedCounters* shared = engine_.options.shared;
  if (shared == nullptr) return;
  shared->connections.fetch_add(1, std::memory_order_relaxed);
  if (shared->per_listener) shared->per_listener[listener].fetch_add(1, std::memory_order_relaxed);
}

void ConnectionTable::count_out(std::uint32_t listener) noexcept {
  SharedCounters* shared = engine_.options.shared;
  if (shared == nullptr) return;
  shared->connections.fetch_sub(1, std::memory_order_relaxed);
  if (shared->per_listener) shared->per_listener[listener].fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace weir::proxy
