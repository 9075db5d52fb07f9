#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "config/build.hpp"
#include "core/http/head.hpp"
#include "core/proxy/route_order.hpp"

namespace weir::config {

namespace {

// Whether a request that fulfils the header conditions of `route` fulfils those of `earlier`, too.
bool headers_follow(const proxy::RouteSpec& earlier, const proxy::RouteSpec& route) {
  return std::all_of(earlier.headers.begin(), earlier.headers.end(), [&](const proxy::HeaderMatch& needed) {
    return std::any_of(route.headers.begin(), route.headers.end(), [&](const proxy::HeaderMatch& given) {
      return (!needed.value || needed.value == given.value) && http::equal_ignoring_case(needed.name, given.name);
    });
  });
}

bool includes(const std::vector<std::string>& all, const std::vector<std::string>& some) {
  return std::all_of(some.begin(), some.end(),
                     [&](const std::string& one) { return std::find(all.begin(), all.end(), one) != all.end(); });
}

using Listeners = std::vector<proxy::ListenerSpec>;

// Whether `earlier` is on every listener that `route` is on. A route that names no listener is not on those that
// redirect to https.
bool is_on_all_of(const proxy::RouteSpec& earlier, const proxy::RouteSpec& route, const Listeners& listeners) {
  if (!earlier.listeners.empty()) return !route.listeners.empty() && includes(earlier.listeners, route.listeners);
  return std::none_of(listeners.begin(), listeners.end(), [&](const proxy::ListenerSpec& listener) {
    return listener.redirect_to_https && includes(route.listeners, {listener.name});
  });
}

// Whether `earlier`, under its host, takes every request that `route` would take under its own. Then both have the same
// rank: what ranks lower is tried later, and what ranks higher asks for more.
bool takes_all(const proxy::RankedRoute& earlier, const proxy::RankedRoute& route, const Listeners& listeners) {
  if (proxy::compare_precedence(earlier, route) != 0) return false;
  const proxy::RouteSpec& first = *earlier.route;
  const proxy::RouteSpec& second = *route.route;
  if (!includes(first.methods, second.methods)) return false;
  return is_on_all_of(first, second, listeners) && headers_follow(first, second);
}

bool takes_all(const proxy::RouteSpec& earlier, const proxy::RankedRoute& route, const Listeners& listeners) {
  if (earlier.hosts.empty()) return takes_all(proxy::RankedRoute(earlier, 0, {}), route, listeners);
  return std::any_of(earlier.hosts.begin(), earlier.hosts.end(), [&](const std::string& host) {
    return takes_all(proxy::RankedRoute(earlier, 0, host), route, listeners);
  });
}

}  // namespace

void Shadows::check(Reader& reader, const Node& node, const Path& path, const proxy::Spec& spec) {
  const std::vector<proxy::RouteSpec>& routes = spec.routes;
  const proxy::RouteSpec& route = routes.back();
  const auto index = static_cast<std::uint32_t>(routes.size() - 1);
  const std::uint64_t place = std::hash<std::string_view>{}(proxy::path_key(route)) * 31 + route.headers.size();
  const proxy::RouteSpec* taker = nullptr;
  std::size_t taken = 0;
  const auto look = [&](std::string_view host) {
    const proxy::RankedRoute ranked(route, index, host);
    const std::uint64_t hash = std::hash<std::string>{}(lower(ranked.host_key)) * 1'000'003 + place;
    const auto [begin, end] = seen_.equal_range(hash);
    for (auto at = begin; at != end; ++at) {
      if (at->second == index || !takes_all(routes[at->second], ranked, spec.listeners)) continue;
      taker = &routes[at->second];
      ++taken;
      break;
    }
    seen_.emplace(hash, index);
  };
  if (route.hosts.empty()) look({});
  for (const std::string& host : route.hosts) look(host);
  if (taken == 0 || taken < route.hosts.size()) return;
  reader.warning(node, path, "this route can never match",
                 fmt::format("the route at {}:{}:{} comes first and matches the same requests", taker->origin.file,
                             taker->origin.line, taker->origin.column));
}

}  // namespace weir::config
