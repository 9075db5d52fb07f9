#include "core/proxy/upstream/balance/balancer.hpp"

#include "core/proxy/upstream/balance/round_robin.hpp"

namespace weir::proxy {

std::unique_ptr<Balancer> make_balancer(const UpstreamSpec& upstream) {
  return std::make_unique<RoundRobin>(upstream.endpoints.size());
}

}  // namespace weir::proxy
