#pragma once
// Upstream: the endpoints of one upstream as one worker sees them, and the choice among them by its balancer. An
// Endpoint is a place that requests can be sent to, with the connections that are kept to it. Neither opens a
// connection. They belong to one worker and run on its thread.

#include <cstdint>
#include <memory>
#include <vector>

#include "core/proxy/snapshot.hpp"
#include "core/proxy/upstream/balance/balancer.hpp"
#include "core/proxy/upstream/connection_pool.hpp"
#include "core/proxy/upstream/incident.hpp"

namespace weir::proxy {

class Endpoint {
 public:
  Endpoint(ConnectionStore& store, const CompiledUpstream& upstream, std::size_t index) noexcept
      : compiled_(upstream.endpoints[index]), index_(index),
        pool_(store, upstream.max_idle, upstream.spec->idle_timeout) {}

  const EndpointSpec& spec() const noexcept { return *compiled_.spec; }
  const std::vector<Address>& addresses() const noexcept { return compiled_.addresses; }
  std::size_t index() const noexcept { return index_; }  // in its upstream
  ConnectionPool& pool() noexcept { return pool_; }
  Incident& incident() noexcept { return incident_; }

 private:
  const CompiledEndpoint& compiled_;
  std::size_t index_;
  ConnectionPool pool_;
  Incident incident_;
};

class Upstream {
 public:
  // What is referred to outlives the upstream.
  Upstream(ConnectionStore& store, const CompiledUpstream& compiled);

  // The endpoint of the next request, by the upstream's policy: one with a weight that is up and was not tried. Null:
  // there is none.
  Endpoint* pick(const TriedSet& tried) noexcept {
    if (only_ != nullptr && tried.empty()) return only_;
    const std::size_t chosen = balancer_->choose(candidates_, tried);
    return chosen == Balancer::none ? nullptr : endpoints_[chosen].get();
  }

  // Some endpoint has a weight, and all that do are down.
  bool lacks_health() const noexcept;

  bool has(const Endpoint& endpoint) const noexcept {
    return endpoint.index() < endpoints_.size() && endpoints_[endpoint.index()].get() == &endpoint;
  }
  std::size_t index_of(const Endpoint& endpoint) const noexcept { return endpoint.index(); }
  const std::vector<std::unique_ptr<Endpoint>>& endpoints() const noexcept { return endpoints_; }

 private:
  std::vector<Candidate> candidates_;  // by index, as endpoints_
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unique_ptr<Balancer> balancer_;
  Endpoint* only_ = nullptr;  // set if there is no choice: a single endpoint with a weight and no health check
};

}  // namespace weir::proxy
