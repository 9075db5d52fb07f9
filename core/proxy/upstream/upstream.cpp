#include "core/proxy/upstream/upstream.hpp"

namespace weir::proxy {

Upstream::Upstream(const CompiledUpstream& compiled, std::span<EndpointMemory* const> memories)
    : balancer_(make_balancer(*compiled.spec)) {
  const std::size_t count = compiled.endpoints.size();
  candidates_.reserve(count);
  endpoints_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const CompiledEndpoint& endpoint = compiled.endpoints[i];
    candidates_.push_back({endpoint.spec->weight, endpoint.state.get()});
    endpoints_.push_back(std::make_unique<Endpoint>(compiled, i, *memories[i]));
  }
  if (count == 1 && candidates_[0].state == nullptr && candidates_[0].weight != 0) only_ = endpoints_[0].get();
}

Endpoint* Upstream::find(const EndpointMemory& memory) const noexcept {
  for (const auto& endpoint : endpoints_)
    if (&endpoint->memory() == &memory) return endpoint.get();
  return nullptr;
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

}  // namespace weir::proxy
