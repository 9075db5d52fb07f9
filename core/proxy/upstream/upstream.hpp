#pragma once
// Upstream: the endpoints of one upstream as one worker sees them, and the choice among them by its balancer. An Endpoint is
// a place that requests can be sent to, with the connections that are kept to it. Neither opens a connection. They belong
// to one worker and run on its thread.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/proxy/spec.hpp"
#include "core/proxy/upstream/balance/balancer.hpp"
#include "core/proxy/upstream/connection_pool.hpp"

namespace weir::proxy {

class Endpoint {
 public:
  Endpoint(ConnectionStore& store, const EndpointSpec& spec, const UpstreamSpec& upstream) noexcept
      : spec_(spec), pool_(store, upstream.max_idle, upstream.idle_timeout) {}

  const EndpointSpec& spec() const noexcept { return spec_; }
  ConnectionPool& pool() noexcept { return pool_; }
  UpstreamConnection* take_idle() noexcept { return pool_.take(); }

 private:
  const EndpointSpec& spec_;
  ConnectionPool pool_;
};

class Upstream {
 public:
  // One state per endpoint, or none: then every endpoint counts as up. What is referred to outlives the upstream.
  Upstream(ConnectionStore& store, const UpstreamSpec& spec,
           std::span<const std::shared_ptr<const EndpointState>> states);

  const UpstreamSpec& spec() const noexcept { return spec_; }

  // The endpoint of the next request, by the upstream's policy: one with a weight that is up and was not tried. Null: there
  // is none.
  Endpoint* pick(const TriedSet& tried) noexcept {
    if (only_ != nullptr && tried.empty()) return only_;
    const std::size_t chosen = balancer_->choose(candidates_, tried);
    return chosen == Balancer::none ? nullptr : endpoints_[chosen].get();
  }

  // Some endpoint has a weight, and all that do are down.
  bool lacks_health() const noexcept;

  std::size_t index_of(const Endpoint& endpoint) const noexcept;
  std::span<const std::unique_ptr<Endpoint>> endpoints() const noexcept { return endpoints_; }

 private:
  const UpstreamSpec& spec_;
  std::vector<Candidate> candidates_;  // by index, as endpoints_
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unique_ptr<Balancer> balancer_;
  Endpoint* only_ = nullptr;  // there is no choice: a single endpoint that has a weight and is not checked
};

}  // namespace weir::proxy
