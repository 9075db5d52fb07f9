#include "core/proxy/router.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/proxy/route_conditions.hpp"
#include "core/proxy/route_hosts.hpp"
#include "core/proxy/route_order.hpp"
#include "core/proxy/route_paths.hpp"

namespace weir::proxy {

// All names are in two texts and all lists in a few flat arrays: ten thousand routes are some hundred kilobytes.
struct Router::Table {
  RouteList routes;
  RouteHosts hosts;
  RoutePaths paths;
  std::vector<Candidate> candidates;  // in order of precedence
  ListenerSets listener_sets;

  explicit Table(RouteList list);
  std::uint32_t find_in_host(const PathRange& host, const Query& query) const noexcept;
};

Router::Table::Table(RouteList list) : routes(list) {
  const std::vector<RankedRoute> order = precedence_order(list.routes, list.more);
  candidates.reserve(order.size());
  for (std::size_t i = 0; i < order.size();) {
    const std::string_view key = order[i].host_key;
    PathRange& range = hosts.add(key);
    for (; i < order.size() && http::equal_ignoring_case(order[i].host_key, key); ++i) {
      const RouteSpec& route = *order[i].route;
      paths.add(range, order[i].path_key, order[i].is_exact(), static_cast<std::uint32_t>(candidates.size()));
      // Until the listeners are known, a route that names some matches on none.
      const std::uint32_t listeners = route.listeners.empty() ? ListenerSets::every : ListenerSets::nothing;
      candidates.push_back({order[i].index, listeners, MethodSet::of(route), !route.headers.empty()});
    }
    paths.finish(range);
  }
  hosts.finish();
  paths.shrink_to_fit();
}

std::uint32_t Router::Table::find_in_host(const PathRange& host, const Query& query) const noexcept {
  return paths.find(host, query.path, [&](CandidateRange range) noexcept {
    for (std::uint32_t i = range.first; i < range.first + range.count; ++i)
      if (candidates[i].applies(routes, listener_sets, query.listener, query.head)) return candidates[i].route;
    return none;
  });
}

std::string_view behind_prefix(const RouteSpec& route, std::string_view path) noexcept {
  return path.substr(std::min(path_key(route).size(), path.size()));
}

Router::Router(std::span<const RouteSpec> routes, std::span<const RouteSpec> more)
    : table_(std::make_unique<Table>(RouteList{routes, more})) {}

Router::~Router() = default;

std::uint32_t Router::find(const Query& query) const noexcept {
  const Table& table = *table_;
  return table.hosts.find(query.host, [&](const PathRange& host) noexcept { return table.find_in_host(host, query); });
}

void Router::bind_listeners(std::span<const ListenerSpec> listeners) {
  ListenerSets sets(listeners);
  std::map<std::vector<std::string>, std::uint32_t> known;
  for (Candidate& candidate : table_->candidates) {
    const std::vector<std::string>& names = table_->routes[candidate.route].listeners;
    const auto [at, fresh] = known.try_emplace(names, ListenerSets::every);
    if (fresh) at->second = sets.add(names, listeners);
    candidate.listeners = at->second;
  }
  table_->listener_sets = std::move(sets);
}

}  // namespace weir::proxy
