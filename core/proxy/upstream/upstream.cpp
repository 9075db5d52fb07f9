#include "core/proxy/upstream/upstream.hpp"

namespace weir::proxy {

Upstream::Upstream(ConnectionStore& store, const UpstreamSpec& spec,
                   std::span<const std::shared_ptr<const EndpointState>> states)
    : spec_(spec), balancer_(make_balancer(spec)) {
  WEIR_ASSERT(states.empty() || states.size() == spec.endpoints.size());
  candidates_.reserve(spec.endpoints.size());
  endpoints_.reserve(spec.endpoints.size());
  for (std::size_t i = 0; i < spec.endpoints.size(); ++i) {
    candidates_.push_back({spec.endpoints[i].weight, states.empty() ? nullptr : states[i].get()});
    endpoints_.push_back(std::make_unique<Endpoint>(store, spec.endpoints[i], spec));
  }
  if (endpoints_.size() == 1 && states.empty() && candidates_[0].weight != 0) only_ = endpoints_[0].get();
}

bool Upstream::lacks_health() const noexcept {
  bool has_weight = false;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight == 0) continue;
    if (candidate.is_up()) return false;
    has_weight = true;
  }
  return has_weight;
}

std::size_t Upstream::index_of(const Endpoint& endpoint) const noexcept {
  return static_cast<std::size_t>(&endpoint.spec() - spec_.endpoints.data());
}

}  // namespace weir::proxy
