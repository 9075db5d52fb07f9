#include "core/proxy/upstream/connection_pool.hpp"

namespace weir::proxy {

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

UpstreamConnection* ConnectionPool::take() noexcept {
  UpstreamConnection* connection = list_.pop_front();
  if (!connection) return nullptr;
  --idle_;
  --store_.idle;
  store_.reactor.timers().disarm(*connection);
  connection->stream.set_notice(nullptr);
  return connection;
}

void ConnectionPool::give_back(UpstreamConnection& connection, bool reusable) noexcept {
  Stream& stream = connection.stream;
  const bool keep = reusable && stream.input().empty() && !store_.closing && idle_ < max_idle_;
  if (!keep) return retire(connection);
  stream.input().reset();
  stream.arm();
  if (stream.has_result()) return retire(connection);  // closed by its server, or bytes that nobody asked for
  stream.set_notice(&ConnectionPool::receive_ended);
  list_.push_front(connection);
  ++idle_;
  ++store_.idle;
  store_.reactor.timers().arm(connection, store_.reactor.now() + idle_timeout_);
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
  if (static_cast<ListLink<UpstreamConnection>&>(connection).linked()) {
    List<UpstreamConnection, UpstreamConnection>::erase(connection);
    --idle_;
    --store_.idle;
  }
  store_.reactor.timers().disarm(connection);
  if (connection.stream.armed()) {
    connection.stream.set_notice(&ConnectionPool::receive_ended);
    connection.stream.cancel(Direction::in);
    return;
  }
  connection.stream.close_now();
  store_.connections.destroy(&connection);
}

// Whatever an idle or retiring connection has received, it is of no further use.
void ConnectionPool::receive_ended(Stream& stream) noexcept {
  auto* connection = static_cast<UpstreamConnection*>(stream.owner());
  connection->pool.retire(*connection);
}

}  // namespace weir::proxy
