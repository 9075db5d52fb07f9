#include "core/proxy/endpoint_state.hpp"

namespace weir::proxy {

EndpointState::Change EndpointState::record(bool passed, std::uint32_t rise, std::uint32_t fall) noexcept {
  const bool first = checks_++ == 0;
  const bool up = is_up();
  if (passed == up) {
    against_ = 0;
    return Change::none;
  }
  if (++against_ < (up ? fall : rise) && !first) return Change::none;
  against_ = 0;
  up_.store(passed, std::memory_order_relaxed);
  return passed ? Change::up : Change::down;
}

std::shared_ptr<EndpointState> EndpointStates::of(std::string_view upstream, std::string_view endpoint) {
  return known_.of({std::string(upstream), std::string(endpoint)}, [] { return std::make_shared<EndpointState>(); });
}

}  // namespace weir::proxy
