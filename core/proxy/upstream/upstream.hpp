#pragma once
// Upstream: the endpoints of one upstream as one worker sees them, and the choice among them by its balancer. An
// Endpoint is a place that requests can be sent to, with the connections that are kept to it. Both belong to a snapshot;
// what outlives it is in the EndpointMemory. Neither opens a connection. One worker's, on its thread.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/proxy/snapshot.hpp"
#include "core/proxy/upstream/balance/balancer.hpp"
#include "core/proxy/upstream/endpoint_memory.hpp"

namespace weir::proxy {

class Endpoint {
 public:
  // What is referred to outlives the endpoint, which counts as one user of the memory.
  Endpoint(const CompiledUpstream& upstream, std::size_t index, EndpointMemory& memory) noexcept
      : compiled_(upstream.endpoints[index]), index_(index), memory_(memory) {
    memory_.add_user(upstream.max_idle, upstream.spec->idle_timeout);
  }
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  ~Endpoint() { memory_.remove_user(); }

  const EndpointSpec& spec() const noexcept { return *compiled_.spec; }
  const std::vector<Address>& addresses() const noexcept { return compiled_.addresses; }
  std::size_t index() const noexcept { return index_; }  // in its upstream
  ConnectionPool& pool() noexcept { return memory_.pool; }
  Incident& incident() noexcept { return memory_.incident; }
  const EndpointMemory& memory() const noexcept { return memory_; }

 private:
  const CompiledEndpoint& compiled_;
  std::size_t index_;
  EndpointMemory& memory_;
};

class Upstream {
 public:
  // What is referred to outlives the upstream. `memories`: of each of its endpoints.
  Upstream(const CompiledUpstream& compiled, std::span<EndpointMemory* const> memories);

  // The endpoint of the next request, by the upstream's policy: one with a weight that is up and was not tried. Null:
  // there is none.
  Endpoint* pick(const TriedSet& tried) noexcept {
    if (only_ != nullptr && tried.empty()) return only_;
    const std::size_t chosen = balancer_->choose(candidates_, tried);
    return chosen == Balancer::none ? nullptr : endpoints_[chosen].get();
  }

  // Some endpoint has a weight, and all that do are down.
  bool lacks_health() const noexcept;

  // The endpoint whose memory it is; null: it is none of this upstream.
  Endpoint* find(const EndpointMemory& memory) const noexcept;
  const std::vector<std::unique_ptr<Endpoint>>& endpoints() const noexcept { return endpoints_; }

 private:
  std::vector<Candidate> candidates_;  // by index, as endpoints_
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unique_ptr<Balancer> balancer_;
  Endpoint* only_ = nullptr;  // set if there is no choice: a single endpoint with a weight and no health check
};

}  // namespace weir::proxy
