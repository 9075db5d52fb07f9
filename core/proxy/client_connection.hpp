#pragma once
// ClientConnection: one accepted connection, whatever protocol it speaks. Made by its protocol, kept in the
// ConnectionTable; tells its owner when it is over. Worker's thread.

#include <cstdint>

#include "core/base/address.hpp"
#include "core/net/stream.hpp"
#include "core/proxy/pinned_links.hpp"

namespace weir::proxy {

struct Resting;  // the list of connections that rest

class ClientConnection : public ListLink<>, public ListLink<Resting> {
 public:
  ClientConnection(Reactor& reactor, std::uint32_t listener_index) noexcept : stream(reactor), listener(listener_index) {}

  // Starts serving. Once, after accept and attach.
  virtual void begin() noexcept = 0;
  // The server drains: an idle connection ends soon, a busy one after what it is doing.
  virtual void drain() noexcept = 0;
  // Of a resting one: it is over a turn or two later, unless its next request has come at this moment.
  virtual void make_room() noexcept = 0;
  // Cuts everything: it is over soon.
  virtual void stop() noexcept = 0;

  Stream stream;
  Address peer;
  std::uint32_t listener;        // the slot of the one it came by: see ListenerSlots
  TimePoint resting_since;       // while it waits for a request
  bool trusted = false;          // the peer is a trusted proxy
  PinnedLinks pinned;            // idle connections to upstreams on which this client has logged in

 protected:
  ~ClientConnection() = default;
};

// Makes the connections of a protocol.
class ClientProtocol {
 public:
  // To accept into. Ends with destroy(), if only because nothing was accepted. May throw std::bad_alloc.
  virtual ClientConnection& make(std::uint32_t listener) = 0;
  virtual void destroy(ClientConnection& connection) noexcept = 0;

 protected:
  ~ClientProtocol() = default;
};

// Who keeps the books of connections: which of them rest, and that one is closed, which it destroys.
class ConnectionOwner {
 public:
  // It waits for a request, and holds nothing but its place.
  virtual void connection_rests(ClientConnection& connection) noexcept = 0;
  virtual void connection_wakes(ClientConnection& connection) noexcept = 0;
  virtual void connection_closed(ClientConnection& connection) noexcept = 0;

 protected:
  ~ConnectionOwner() = default;
};

}  // namespace weir::proxy
