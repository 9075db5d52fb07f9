#pragma once
// Upstreams of one worker: endpoints, the choice among them (smooth weighted round robin), and the kept-alive connections
// to each. A pooled connection keeps a receive armed, so that one which its server closes leaves the pool at once.
// Belongs to one Server; runs on its thread.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/slab.hpp"
#include "core/net/stream.hpp"
#include "core/proxy/snapshot.hpp"

namespace weir::proxy {

class Endpoint;

// A connection to an endpoint: leased by one exchange, or idle in the endpoint's pool, or retiring (being closed).
class UpstreamConnection : public ListLink<UpstreamConnection>, public Timer {
 public:
  UpstreamConnection(Reactor& reactor, Endpoint& owner) noexcept;

  Stream stream;
  Endpoint& endpoint;
  bool reused = false;    // served an exchange before
  bool retiring = false;
};

class UpstreamPools;

// One address list of an upstream with its pool.
class Endpoint {
 public:
  // `state` is null where no health check is configured.
  Endpoint(UpstreamPools& pools, const EndpointSpec& spec, const UpstreamSpec& upstream,
           const EndpointState* state) noexcept
      : pools_(pools), spec_(spec), upstream_(upstream), state_(state) {}
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const EndpointSpec& spec() const noexcept { return spec_; }
  std::uint32_t idle() const noexcept { return idle_count_; }

  // The most recently used idle connection, or null.
  UpstreamConnection* take_idle() noexcept;

  // Gives a connection back. It is kept if `reusable` and there is room, else closed. Its input must be empty to be
  // kept: bytes that nobody asked for mean that the peer does not follow the protocol.
  void give_back(UpstreamConnection& connection, bool reusable) noexcept;

 private:
  friend class UpstreamPools;
  friend class UpstreamConnection;
  void retire(UpstreamConnection& connection) noexcept;    // closes now, or as soon as its receive has ended
  static void idle_event(Stream& stream) noexcept;

  UpstreamPools& pools_;
  const EndpointSpec& spec_;
  const UpstreamSpec& upstream_;
  const EndpointState* const state_;
  List<UpstreamConnection, UpstreamConnection> pool_;      // most recently used first
  std::uint32_t idle_count_ = 0;
  std::int64_t current_weight_ = 0;
  friend class Upstream;
};

class Upstream {
 public:
  // One state per endpoint, or none: then every endpoint counts as up.
  Upstream(UpstreamPools& pools, const UpstreamSpec& spec,
           std::span<const std::shared_ptr<const EndpointState>> states);

  const UpstreamSpec& spec() const noexcept { return spec_; }
  // The next endpoint by weight among those that are up; null if none of them has a weight. `skip` is a set of endpoint
  // indices (bit i) not to take.
  Endpoint* pick(std::uint64_t skip) noexcept { return checked_ ? choose<true>(skip) : choose<false>(skip); }
  // Some endpoint has a weight, and all that do are down.
  bool lacks_health() const noexcept;
  std::size_t index_of(const Endpoint& endpoint) const noexcept;
  std::size_t size() const noexcept { return endpoints_.size(); }

 private:
  friend class UpstreamPools;
  template <bool checked>
  Endpoint* choose(std::uint64_t skip) noexcept;

  const UpstreamSpec& spec_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  const bool checked_;  // the endpoints have states
};

class UpstreamPools {
 public:
  // The snapshot outlives them.
  UpstreamPools(Reactor& reactor, const Snapshot& snapshot);
  ~UpstreamPools();

  Upstream& at(std::uint32_t index) noexcept { return *upstreams_[index]; }

  // A new connection object, its handle opened and attached but not connected. Give it back to its endpoint in any case.
  Result<UpstreamConnection*> open(Endpoint& endpoint, const Address& address) noexcept;

  // Closes the idle connection that was used least recently at some endpoint, for its descriptor, which is free after a
  // turn of the reactor. False: there is none.
  bool give_up_one() noexcept;

  // Closes idle connections, all of them. Some end only after a turn: see live().
  void close_idle() noexcept;

  std::size_t live() const noexcept { return connections_.live(); }
  std::uint32_t idle() const noexcept { return idle_; }
  Reactor& reactor() noexcept { return reactor_; }

 private:
  friend class Endpoint;
  Reactor& reactor_;
  Slab<UpstreamConnection, 16> connections_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::uint32_t idle_ = 0;
  bool closing_ = false;
};

}  // namespace weir::proxy
