#pragma once
// UpstreamPools: all upstream connections of one worker, by endpoint, across snapshots. Here
// connections are opened, and given up where there is no room for another. It belongs to one Server and runs on its thread.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/proxy/upstream/upstream.hpp"

namespace weir::proxy {

using Upstreams = std::vector<std::unique_ptr<Upstream>>;

class UpstreamPools {
 public:
  explicit UpstreamPools(Reactor& reactor) noexcept : store_(reactor) {}
  ~UpstreamPools();  // precondition: no connection is left, see close_idle and live; nor are upstreams

  // The upstreams of a snapshot, as in its specification: endpoints that were known keep their connections. Neither the
  // snapshot nor these pools may go before them.
  Upstreams make(const Snapshot& snapshot);

  // A new connection, leased, its handle open and attached but not connected. Its pool gets it back in any case.
  Result<UpstreamConnection*> open(Endpoint& endpoint, const Address& address) noexcept;

  // Closes an idle connection for its descriptor, which is free after a turn of the reactor: of some endpoint that has
  // one, the one that was used least recently. False: there is none.
  bool give_up_one() noexcept;

  // Closes all idle connections, and from now on those that are given back. Some end only after a turn: see live().
  void close_idle() noexcept;

  std::size_t live() const noexcept { return store_.connections.live(); }
  std::uint32_t idle() const noexcept { return store_.idle; }
  std::size_t endpoints() const noexcept { return memories_.size(); }  // that are known

 private:
  EndpointMemory* memory_of(const UpstreamSpec& upstream, const EndpointSpec& endpoint, std::size_t which);
  void forget_unused() noexcept;

  ConnectionStore store_;
  std::unordered_map<std::string, std::unique_ptr<EndpointMemory>> memories_;
};

}  // namespace weir::proxy
