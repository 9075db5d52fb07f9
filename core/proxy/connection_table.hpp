#pragma once
// ConnectionTable: the client connections of one worker. It has them made and destroyed by their protocol, counts them
// for the limits of the process and of each listener, knows which have been idle longest, and decides where an accepted
// one is served. It accepts nothing itself. Worker's thread; what the workers of a process count together is in
// SharedCounters.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/coro/event.hpp"
#include "core/proxy/client_connection.hpp"
#include "core/proxy/engine.hpp"

namespace weir::proxy {

class ConnectionTable final : public ConnectionOwner {
 public:
  // Both outlive the table.
  ConnectionTable(Engine& engine, ClientProtocol& protocol);
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;
  ~ConnectionTable();  // precondition: none is open

  // How many more connections may be open now that came by this listener.
  std::uint32_t room(std::uint32_t listener) const noexcept;
  bool is_full(std::uint32_t listener) const noexcept { return room(listener) == 0; }
  // It is the listener's own limit that is reached.
  bool listener_is_full(std::uint32_t listener) const noexcept { return room_of_listener(listener) == 0; }

  // Closes the connection of this worker that has been idle longest, for one that came by this listener: a turn or two
  // later there is room. False: none is idle, or only since a moment ago, so that a request may be on its way.
  bool make_room(std::uint32_t listener) noexcept;

  // A connection to accept into: it is in no list and counts nowhere until it is placed or served.
  ClientConnection& make(std::uint32_t listener) { return protocol_.make(listener); }
  // Nothing was accepted into it.
  void discard(ClientConnection& connection) noexcept { protocol_.destroy(connection); }

  // Serves an accepted connection: by another worker whose turn it is, or here. An error: it was refused here and
  // closed.
  Error place(ClientConnection& connection) noexcept;
  // The same, but always here.
  Error serve(ClientConnection& connection) noexcept;
  // Serves what another worker has accepted and counted. Closes it where the server has stopped.
  void take_over(const AcceptedConnection& accepted) noexcept;

  // The engine has taken a new configuration up.
  void reconfigured() noexcept;

  void drain() noexcept;  // each ends when it has nothing to do
  void stop() noexcept;   // each is cut
  // The same for those that came by one listener.
  void drain(std::uint32_t listener) noexcept;
  void stop(std::uint32_t listener) noexcept;

  std::uint32_t open() const noexcept { return open_count_; }
  std::uint32_t open(std::uint32_t listener) noexcept;  // looks at every connection
  bool empty() const noexcept { return open_count_ == 0; }
  Event& all_closed() noexcept { return all_closed_; }  // set whenever the last one is closed

  void connection_closed(ClientConnection& connection) noexcept override;
  void connection_rests(ClientConnection& connection) noexcept override;
  void connection_wakes(ClientConnection& connection) noexcept override;

 private:
  std::uint32_t room_of_process() const noexcept;
  std::uint32_t room_of_listener(std::uint32_t listener) const noexcept;
  void judge(ClientConnection& connection) const noexcept;
  bool hand_over(ClientConnection& connection) noexcept;
  Error begin(ClientConnection& connection) noexcept;
  void count_in(std::uint32_t listener) noexcept;
  void count_out(std::uint32_t listener) noexcept;

  Engine& engine_;
  ClientProtocol& protocol_;
  List<ClientConnection> open_;
  std::deque<List<ClientConnection, Resting>> resting_;  // by listener; the one idle longest comes first
  std::uint32_t open_count_ = 0;            // elements of open_
  Event all_closed_;
};

}  // namespace weir::proxy
