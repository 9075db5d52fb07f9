#pragma once
// ClientSide: the HTTP/1 client connections of one worker and the memory that they share. Owned by the server, used on its
// thread only.

#include <cstddef>
#include <cstdint>

#include "core/base/object_pool.hpp"
#include "core/base/slab.hpp"
#include "core/proxy/exchange.hpp"
#include "core/proxy/h1/client_connection.hpp"

namespace weir::proxy::h1 {

class ClientSide final : public ClientProtocol {
 public:
  // Both outlive the side; the owner is told of every connection that has served.
  ClientSide(Engine& worker, ConnectionOwner& connection_owner) noexcept : engine(worker), owner(connection_owner) {}
  ClientSide(const ClientSide&) = delete;
  ClientSide& operator=(const ClientSide&) = delete;

  ClientConnection& make(std::uint32_t listener) override { return *connections.make(*this, listener); }
  void destroy(proxy::ClientConnection& connection) noexcept override {
    connections.destroy(&static_cast<ClientConnection&>(connection));
  }
  // Has its memory trimmed after bursts.
  void watch(TrimTimer& trim);

  Engine& engine;
  ConnectionOwner& owner;
  Slab<ClientConnection, 16> connections;
  ObjectPool<ClientStream> streams;
  ObjectPool<Exchange> exchanges;
  ObjectPool<http::SliceWriter> writers;
};

}  // namespace weir::proxy::h1
