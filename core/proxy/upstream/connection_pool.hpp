#pragma once
// ConnectionPool: the kept-alive connections to one endpoint. One that is kept has a receive armed, so it leaves the
// pool at once when its server closes it; one that nobody has used for the idle time is closed, before its server would.
// One that is pinned to a client is kept there in the same way. A pool never opens a connection. It belongs to one worker
// and runs on its thread.

#include <cstdint>

#include "core/base/slab.hpp"
#include "core/proxy/upstream_source.hpp"

namespace weir::proxy {

class ConnectionPool;

// A connection to an endpoint. It is leased by an exchange, idle in its pool or with the client it is pinned to, or
// retiring: out of both, and closed as soon as its receive has ended.
class UpstreamConnection final : public UpstreamLink, public ListLink<UpstreamConnection>, public Timer {
 public:
  UpstreamConnection(Reactor& reactor, ConnectionPool& owner) noexcept;

  void give_back(bool reusable) noexcept override;
  void drop() noexcept override;

  ConnectionPool& pool;

 private:
  friend class ConnectionPool;
  TimePoint idle_since_;
};

// What the pools of one worker share: the memory of connections, and how many are idle.
struct ConnectionStore {
  explicit ConnectionStore(Reactor& r) noexcept : reactor(r) {}

  Reactor& reactor;
  Slab<UpstreamConnection, 16> connections;
  std::uint32_t idle = 0;
  bool closing = false;  // nothing is kept any more
};

class ConnectionPool {
 public:
  // Keeps nothing until it is told how much. The store outlives the pool.
  explicit ConnectionPool(ConnectionStore& store) noexcept : store_(store) {}
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // From now on at most `max_idle` connections are kept, each for at most `idle_timeout`; what is idle beyond that is
  // closed. Pinned ones are not counted.
  void keep_at_most(std::uint32_t max_idle, Duration idle_timeout) noexcept;

  // A new connection, leased, its handle not open. May throw std::bad_alloc.
  UpstreamConnection* make();
  // Ends a connection whose handle was never opened.
  void discard(UpstreamConnection& connection) noexcept { destroy(connection); }

  // Leases the idle connection that was used last; null: there is none that will do.
  UpstreamConnection* take(Reuse reuse = Reuse::any) noexcept;
  // Leases one that is pinned and idle. False: its server has just closed it.
  bool take_pinned(UpstreamConnection& connection) noexcept;

  // Ends a lease. The connection is kept if it is `reusable` and there is room, else closed; one that is pinned needs no
  // room. It is closed as well if its input is not empty: bytes that nobody asked for would be taken for the answer to
  // the next request.
  void give_back(UpstreamConnection& connection, bool reusable) noexcept;

  // Closes the connection that has been idle longest. False: there is none.
  bool close_oldest() noexcept;
  // Closes all that are idle. The receives of some end only in the next turn.
  void close_all() noexcept;

  std::uint32_t idle() const noexcept { return idle_; }
  std::uint32_t live() const noexcept { return live_; }  // leased ones as well, and those that are about to close

 private:
  friend class UpstreamConnection;
  void destroy(UpstreamConnection& connection) noexcept;
  void keep(UpstreamConnection& connection) noexcept;
  void take_out(UpstreamConnection& connection) noexcept;  // of wherever it is kept
  Duration time_kept(const UpstreamConnection& connection) const noexcept;
  static Duration time_trusted(const UpstreamConnection& connection) noexcept;
  void retire(UpstreamConnection& connection) noexcept;  // closes now, or as soon as its receive has ended
  static void receive_ended(Stream& stream) noexcept;

  ConnectionStore& store_;
  List<UpstreamConnection, UpstreamConnection> list_;  // most recently used first
  Duration idle_timeout_{};
  std::uint32_t max_idle_ = 0;
  std::uint32_t idle_ = 0;  // elements of list_
  std::uint32_t live_ = 0;
};

}  // namespace weir::proxy
