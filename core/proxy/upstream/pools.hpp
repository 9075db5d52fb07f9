#pragma once
// UpstreamPools: the upstreams of one worker with all their connections. Here connections are opened, and given up
// where there is no room for another. It belongs to one Server and runs on its thread.

#include <cstdint>
#include <memory>
#include <vector>

#include "core/proxy/upstream/upstream.hpp"

namespace weir::proxy {

class UpstreamPools {
 public:
  // The snapshot outlives them.
  UpstreamPools(Reactor& reactor, const Snapshot& snapshot);
  ~UpstreamPools();  // precondition: no connection is left, see close_idle and live

  Upstream& at(std::uint32_t index) noexcept { return *upstreams_[index]; }

  // A new connection, leased, its handle open and attached but not connected. Its pool gets it back in any case.
  Result<UpstreamConnection*> open(Endpoint& endpoint, const Address& address) noexcept;

  // Closes an idle connection for its descriptor, which is free after a turn of the reactor: of the first endpoint that
  // has one, the one that was used least recently. False: there is none.
  bool give_up_one() noexcept;

  // Closes all idle connections, and from now on those that are given back. Some end only after a turn: see live().
  void close_idle() noexcept;

  std::size_t live() const noexcept { return store_.connections.live(); }
  std::uint32_t idle() const noexcept { return store_.idle; }

 private:
  ConnectionStore store_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
};

}  // namespace weir::proxy
