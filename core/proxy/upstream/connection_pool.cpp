#include "core/proxy/upstream/connection_pool.hpp"

#include <algorithm>

#include "core/proxy/pinned_links.hpp"

namespace weir::proxy {
namespace {

// A server's clock runs from when it sent its last byte, and Keep-Alive counts whole seconds.
constexpr Duration margin = std::chrono::seconds{1};
// Servers that announce nothing keep idle connections for some seconds: 2 s (gunicorn) and 5 s (Node, Apache) are the
// shortest in common use. A connection idle for less is hardly being closed at this moment.
constexpr Duration trusted_unannounced = std::chrono::seconds{1};

}  // namespace

UpstreamConnection::UpstreamConnection(Reactor& reactor, ConnectionPool& owner) noexcept
    : UpstreamLink(reactor),
      Timer([](Timer& timer) noexcept {
        auto& connection = static_cast<UpstreamConnection&>(timer);
        connection.pool.retire(connection);
      }),
      pool(owner) {
  stream.set_owner(this);
}

void UpstreamConnection::give_back(bool reusable) noexcept { pool.give_back(*this, reusable); }

void UpstreamConnection::drop() noexcept { pool.retire(*this); }

UpstreamConnection* ConnectionPool::make() {
  UpstreamConnection* connection = store_.connections.make(store_.reactor, *this);
  ++live_;
  return connection;
}

void ConnectionPool::destroy(UpstreamConnection& connection) noexcept {
  --live_;
  store_.connections.destroy(&connection);
}

void ConnectionPool::keep_at_most(std::uint32_t max_idle, Duration idle_timeout) noexcept {
  max_idle_ = max_idle;
  idle_timeout_ = idle_timeout;
  while (idle_ > max_idle_) retire(list_.back());
}

UpstreamConnection* ConnectionPool::take(Reuse reuse) noexcept {
  while (!list_.empty()) {
    UpstreamConnection& connection = list_.front();
    const Duration idle = store_.reactor.now() - connection.idle_since_;
    if (reuse == Reuse::recent && idle > time_trusted(connection)) return nullptr;
    // Closed by its server, or bytes that nobody asked for: the reactor has not come to it yet.
    const bool usable = !connection.stream.result_is_due();
    if (usable) {
      take_out(connection);
      connection.stream.set_notice(nullptr);
      return &connection;
    }
    retire(connection);
  }
  return nullptr;
}

bool ConnectionPool::take_pinned(UpstreamConnection& connection) noexcept {
  if (connection.stream.result_is_due()) return retire(connection), false;
  take_out(connection);
  connection.stream.set_notice(nullptr);
  return true;
}

void ConnectionPool::give_back(UpstreamConnection& connection, bool reusable) noexcept {
  Stream& stream = connection.stream;
  const bool has_room = connection.pinned_to_ != nullptr || idle_ < max_idle_;
  const bool may_stay = reusable && stream.input().empty() && !store_.closing && has_room;
  if (!may_stay || time_kept(connection) <= Duration{}) return retire(connection);
  stream.input().reset();
  stream.arm();
  if (stream.has_result()) return retire(connection);  // closed by its server, or bytes that nobody asked for
  stream.set_notice(&ConnectionPool::receive_ended);
  keep(connection);
}

void ConnectionPool::keep(UpstreamConnection& connection) noexcept {
  connection.idle_since_ = store_.reactor.now();
  store_.reactor.timers().arm(connection, connection.idle_since_ + time_kept(connection));
  if (connection.pinned_to_ != nullptr) return connection.pinned_to_->add(connection);
  list_.push_front(connection);
  ++idle_;
  ++store_.idle;
}

void ConnectionPool::take_out(UpstreamConnection& connection) noexcept {
  store_.reactor.timers().disarm(connection);
  if (static_cast<ListLink<PinnedLinks>&>(connection).linked()) PinnedLinks::remove(connection);
  if (!static_cast<ListLink<UpstreamConnection>&>(connection).linked()) return;
  List<UpstreamConnection, UpstreamConnection>::erase(connection);
  --idle_;
  --store_.idle;
}

// A little less than its server keeps it, so that no request is on its way when the server closes it.
Duration ConnectionPool::time_kept(const UpstreamConnection& connection) const noexcept {
  if (connection.announced < Duration{}) return idle_timeout_;
  const Duration announced = connection.announced - std::min<Duration>(margin, connection.announced / 2);
  return std::min(idle_timeout_, announced);
}

Duration ConnectionPool::time_trusted(const UpstreamConnection& connection) noexcept {
  return connection.announced < Duration{} ? trusted_unannounced : connection.announced / 2;
}

bool ConnectionPool::close_oldest() noexcept {
  if (list_.empty()) return false;
  retire(list_.back());
  return true;
}

void ConnectionPool::close_all() noexcept {
  list_.for_each([this](UpstreamConnection& connection) { retire(connection); });
}

void ConnectionPool::retire(UpstreamConnection& connection) noexcept {
  take_out(connection);
  connection.pinned_to_ = nullptr;
  if (connection.stream.armed()) {
    connection.stream.set_notice(&ConnectionPool::receive_ended);
    connection.stream.cancel(Direction::in);
    return;
  }
  connection.stream.close_now();
  destroy(connection);
}

// Whatever an idle or retiring connection has received, it is of no further use.
void ConnectionPool::receive_ended(Stream& stream) noexcept {
  auto* connection = static_cast<UpstreamConnection*>(stream.owner());
  connection->pool.retire(*connection);
}

}  // namespace weir::proxy
