#include "core/proxy/snapshot.hpp"

#include <algorithm>
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
    route.paths = spec.paths;
    if (listener.redirect_to_https) {
      route.redirect = Redirect{308, "https://${host}${uri}"};
    } else {
      route.upstream = listener.upstream;
    }
  }
  return added;
}

std::vector<PathRules> path_rules_of(const Spec& spec) {
  std::vector<PathRules> distinct = {spec.paths};
  for (const RouteSpec& route : spec.routes)
    if (std::find(distinct.begin(), distinct.end(), route.paths) == distinct.end()) distinct.push_back(route.paths);
  return distinct;
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

std::vector<CompiledListener> compiled(const std::vector<ListenerSpec>& listeners, const Findings& findings) {
  ListenerStates own;
  ListenerStates& states = findings.listeners ? *findings.listeners : own;
  std::vector<CompiledListener> all;
  all.reserve(listeners.size());
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    // In tests listeners may have no name.
    const std::string& name = listeners[i].name;
    all.push_back({&listeners[i], states.of(name.empty() ? std::to_string(i) : name)});
  }
  return all;
}

CompiledEndpoint compiled(const UpstreamSpec& upstream, const EndpointSpec& endpoint, const Findings& findings) {
  CompiledEndpoint out{&endpoint, endpoint.addresses, nullptr};
  const auto found = findings.addresses.find(endpoint.text);
  if (out.addresses.empty() && found != findings.addresses.end()) out.addresses = found->second;
  if (upstream.health_check && findings.states) out.state = findings.states->of(upstream.name, endpoint.text);
  return out;
}

std::vector<CompiledUpstream> compiled(const std::vector<UpstreamSpec>& upstreams, const Findings& findings) {
  std::vector<CompiledUpstream> all;
  all.reserve(upstreams.size());
  for (const UpstreamSpec& upstream : upstreams) {
    const std::uint32_t max_idle = std::min(upstream.max_idle, findings.max_idle);
    CompiledUpstream& out = all.emplace_back(CompiledUpstream{&upstream, {}, max_idle});
    out.endpoints.reserve(upstream.endpoints.size());
    for (const EndpointSpec& endpoint : upstream.endpoints) {
      out.endpoints.push_back(compiled(upstream, endpoint, findings));
    }
  }
  return all;
}

}  // namespace

Snapshot::Snapshot(std::shared_ptr<const Spec> specification, const Findings& findings)
    : spec(std::move(specification)),
      routes(spec->routes, catch_alls(*spec)),
      listeners(compiled(spec->listeners, findings)),
      max_connections(findings.max_connections),
      upstream_of_route(upstreams_of(routes, spec->upstreams)),
      upstreams(compiled(spec->upstreams, findings)),
      texts(spec->listeners, routes.file(), routes.added()),
      path_rules(path_rules_of(*spec)),
      router(routes.file(), routes.added()) {
  router.bind_listeners(spec->listeners);
}

}  // namespace weir::proxy
