#include "core/proxy/pinned_links.hpp"

#include "core/proxy/upstream/upstream.hpp"

namespace weir::proxy {

UpstreamLink* PinnedLinks::find(const Endpoint& endpoint) noexcept {
  UpstreamLink* found = nullptr;
  links_.for_each([&](UpstreamLink& link) {
    if (link.endpoint == &endpoint.memory()) found = &link;
  });
  return found;
}

Endpoint* PinnedLinks::endpoint_of(const Upstream& upstream) noexcept {
  Endpoint* found = nullptr;
  links_.for_each([&](UpstreamLink& link) {
    if (Endpoint* endpoint = upstream.find(*link.endpoint)) found = endpoint;
  });
  return found;
}

void PinnedLinks::close_all() noexcept {
  links_.for_each([](UpstreamLink& link) { link.drop(); });
}

}  // namespace weir::proxy
