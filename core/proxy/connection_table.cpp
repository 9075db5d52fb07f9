#include "core/proxy/connection_table.hpp"

#include <algorithm>

#include "core/proxy/event_text.hpp"
#include "core/proxy/forwarding.hpp"

namespace weir::proxy {

namespace {

constexpr std::uint32_t unbounded = UINT32_MAX;
// The next request of a client that was answered just now, or has just connected, may be on its way.
constexpr Duration least_rest = std::chrono::seconds{1};

std::uint32_t left_of(std::uint32_t limit, std::uint32_t used) noexcept {
  return limit == 0 ? unbounded : limit - std::min(limit, used);
}

}  // namespace

ConnectionTable::ConnectionTable(Engine& engine, ClientProtocol& protocol)
    : engine_(engine),
      protocol_(protocol),
      resting_(engine.listeners.size()) {}

ConnectionTable::~ConnectionTable() { WEIR_VERIFY(empty()); }

std::uint32_t ConnectionTable::room(std::uint32_t listener) const noexcept {
  return std::min(room_of_process(), room_of_listener(listener));
}

std::uint32_t ConnectionTable::room_of_process() const noexcept {
  const SharedCounters* shared = engine_.options.shared;
  const std::uint32_t all = shared ? shared->connections.load(std::memory_order_relaxed) : open_count_;
  return left_of(engine_.snapshot->max_connections, all);
}

std::uint32_t ConnectionTable::room_of_listener(std::uint32_t listener) const noexcept {
  const ListenerSlots::Slot& slot = engine_.listeners[listener];
  const std::uint32_t limit = slot.spec().max_connections;
  return limit == 0 ? unbounded : left_of(limit, slot.state().connections.load(std::memory_order_relaxed));
}

bool ConnectionTable::make_room(std::uint32_t listener) noexcept {
  const bool only_own = listener_is_full(listener);
  ClientConnection* oldest = nullptr;
  for (std::uint32_t i = 0; i < resting_.size(); ++i) {
    if (resting_[i].empty() || (only_own && i != listener)) continue;
    ClientConnection& first = resting_[i].front();
    if (oldest == nullptr || first.resting_since < oldest->resting_since) oldest = &first;
  }
  if (oldest == nullptr || engine_.reactor.now() - oldest->resting_since < least_rest) return false;
  connection_wakes(*oldest);  // it is asked once
  oldest->make_room();
  return true;
}

void ConnectionTable::connection_rests(ClientConnection& connection) noexcept {
  connection.resting_since = engine_.reactor.now();
  resting_[connection.listener].push_back(connection);
}

void ConnectionTable::connection_wakes(ClientConnection& connection) noexcept {
  ListLink<Resting>& link = connection;
  if (link.linked()) link.unlink();
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
  if (!options.hand_over(options.worker_context, {connection.listener, handle.native, connection.peer})) {
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
  judge(connection);
  open_.push_back(connection);
  ++open_count_;
  all_closed_.reset();
  connection.begin();
  return {};
}

void ConnectionTable::connection_closed(ClientConnection& connection) noexcept {
  connection_wakes(connection);
  List<ClientConnection>::erase(connection);
  count_out(connection.listener);
  --open_count_;
  discard(connection);
  if (empty()) all_closed_.set();
}

// Whether what it says of other clients is believed.
void ConnectionTable::judge(ClientConnection& connection) const noexcept {
  const Forwarding& forwarding = engine_.spec().forwarding;
  connection.trusted = !forwarding.trusted_proxies.empty() && is_trusted(connection.peer, forwarding);
}

void ConnectionTable::reconfigured() noexcept {
  while (resting_.size() < engine_.listeners.size()) resting_.emplace_back();
  open_.for_each([this](ClientConnection& connection) { judge(connection); });
}

std::uint32_t ConnectionTable::open(std::uint32_t listener) noexcept {
  std::uint32_t count = 0;
  open_.for_each([&](const ClientConnection& connection) { count += connection.listener == listener ? 1 : 0; });
  return count;
}

void ConnectionTable::drain() noexcept {
  open_.for_each([](ClientConnection& connection) { connection.drain(); });
}

void ConnectionTable::stop() noexcept {
  open_.for_each([](ClientConnection& connection) { connection.stop(); });
}

void ConnectionTable::drain(std::uint32_t listener) noexcept {
  open_.for_each([&](ClientConnection& connection) {
    if (connection.listener == listener) connection.drain();
  });
}

void ConnectionTable::stop(std::uint32_t listener) noexcept {
  open_.for_each([&](ClientConnection& connection) {
    if (connection.listener == listener) connection.stop();
  });
}

void ConnectionTable::count_in(std::uint32_t listener) noexcept {
  engine_.listeners[listener].state().connections.fetch_add(1, std::memory_order_relaxed);
  if (SharedCounters* shared = engine_.options.shared) shared->connections.fetch_add(1, std::memory_order_relaxed);
}

void ConnectionTable::count_out(std::uint32_t listener) noexcept {
  engine_.listeners[listener].state().connections.fetch_sub(1, std::memory_order_relaxed);
  if (SharedCounters* shared = engine_.options.shared) shared->connections.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace weir::proxy
