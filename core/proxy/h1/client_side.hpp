#pragma once
// ClientSide: all HTTP/1 client connections of one worker and the memory that they share. Owned by the server, used on
// its thread only.

#include <cstddef>
#include <cstdint>

#include "core/base/object_pool.hpp"
#include "core/base/slab.hpp"
#include "core/coro/event.hpp"
#include "core/coro/scope.hpp"
#include "core/proxy/exchange.hpp"
#include "core/proxy/h1/client_connection.hpp"
#include "core/proxy/trimmed.hpp"

namespace weir::proxy::h1 {

class ClientSide final : public Trimmed {
 public:
  explicit ClientSide(Engine& worker) noexcept : engine(worker) {}
  ClientSide(const ClientSide&) = delete;
  ClientSide& operator=(const ClientSide&) = delete;
  ~ClientSide() { WEIR_VERIFY(open.empty()); }

  // A connection object to accept into. Ends with discard() or, once its handle is attached, with begin().
  ClientConnection* make(std::uint32_t listener) { return connections.make(*this, listener); }
  void discard(ClientConnection* connection) noexcept { connections.destroy(connection); }
  void begin(ClientConnection& connection) noexcept;

  void drain() noexcept;
  void stop() noexcept;
  // Set while no connection is open. An idle one is in no scope and starts a task when its next request comes: first all
  // are gone, then all tasks.
  Event all_closed;

  // A closed connection that is in no list goes off the books.
  void closed(ClientConnection& connection) noexcept;
  Result trim() noexcept override;

  Engine& engine;
  Slab<ClientConnection, 16> connections;
  ObjectPool<ClientStream> streams;
  ObjectPool<Exchange> exchanges;
  ObjectPool<http::SliceWriter> writers;
  List<ClientConnection> open;
  std::uint32_t open_count = 0;  // elements of `open`
  Scope scope;                   // connections that are not idle
};

}  // namespace weir::proxy::h1
