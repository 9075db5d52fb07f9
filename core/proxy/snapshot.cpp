#include "core/proxy/snapshot.hpp"

#include <string_view>
#include <unordered_map>

namespace weir::proxy {
namespace {

std::vector<RouteSpec> catch_alls(const Spec& spec) {
  std::vector<RouteSpec> added;
  for (const ListenerSpec& listener : spec.listeners) {
    if (!listener.redirect_to_https && listener.upstream.empty()) continue;
    RouteSpec& route = added.emplace_back();
    route.name = "listener " + listener.name;
    route.listeners = {listener.name};
    route.origin = listener.origin;
    route.timeout = spec.timeouts;
    if (listener.redirect_to_https) {
      route.redirect = Redirect{308, "https://${host}${uri}"};
    } else {
      route.upstream = listener.upstream;
    }
  }
  return added;
}

std::vector<std::uint32_t> upstreams_of(const RouteList& routes, const std::vector<UpstreamSpec>& upstreams) {
  std::unordered_map<std::string_view, std::uint32_t> by_name;
  for (std::uint32_t i = 0; i < upstreams.size(); ++i) by_name.emplace(upstreams[i].name, i);
  std::vector<std::uint32_t> of_route(routes.size(), Snapshot::none);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (routes[i].upstream.empty()) continue;
    const auto found = by_name.find(routes[i].upstream);
    if (found != by_name.end()) of_route[i] = found->second;
  }
  return of_route;
}

std::vector<std::vector<std::shared_ptr<const EndpointState>>> states_of(const std::vector<UpstreamSpec>& upstreams,
                                                                         EndpointStates* states) {
  std::vector<std::vector<std::shared_ptr<const EndpointState>>> all(upstreams.size());
  for (std::size_t i = 0; i < upstreams.size() && states != nullptr; ++i) {
    if (!upstreams[i].health_check) continue;
    for (const EndpointSpec& endpoint : upstreams[i].endpoints) {
      all[i].push_back(states->of(upstreams[i].name, endpoint.text));
    }
  }
  return all;
}

}  // namespace

Snapshot::Snapshot(std::shared_ptr<const Spec> specification, EndpointStates* states)
    : spec(std::move(specification)),
      routes(spec->routes, catch_alls(*spec)),
      upstream_of_route(upstreams_of(routes, spec->upstreams)),
      endpoint_states(states_of(spec->upstreams, states)),
      router(routes.file(), routes.added()) {
  router.bind_listeners(spec->listeners);
}

}  // namespace weir::proxy
