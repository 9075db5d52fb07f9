#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "config/build.hpp"

namespace weir::config {

namespace {

bool same_headers(const proxy::RouteSpec& a, const proxy::RouteSpec& b) {
  if (a.headers.size() != b.headers.size()) return false;
  return std::all_of(a.headers.begin(), a.headers.end(), [&](const proxy::HeaderMatch& mine) {
    return std::any_of(b.headers.begin(), b.headers.end(), [&](const proxy::HeaderMatch& theirs) {
      return mine.value == theirs.value && lower(mine.name) == lower(theirs.name);
    });
  });
}

bool includes(const std::vector<std::string>& all, const std::vector<std::string>& some) {
  return std::all_of(some.begin(), some.end(),
                     [&](const std::string& one) { return std::find(all.begin(), all.end(), one) != all.end(); });
}

// Whether `earlier` takes every request for `host` that `route` would: equal in what ranks before the order in the
// file.
bool takes_all(const proxy::RouteSpec& earlier, const proxy::RouteSpec& route, const std::string& host) {
  const bool host_matches = host.empty()
                                ? earlier.hosts.empty()
                                : std::find(earlier.hosts.begin(), earlier.hosts.end(), host) != earlier.hosts.end();
  if (!host_matches || earlier.path_match != route.path_match || earlier.path != route.path) return false;
  if (earlier.methods.empty() != route.methods.empty() || !includes(earlier.methods, route.methods)) return false;
  if (!earlier.listeners.empty() && (route.listeners.empty() || !includes(earlier.listeners, route.listeners)))
    return false;
  return same_headers(earlier, route);
}

}  // namespace

void Shadows::check(Reader& reader, const Node& node, const Path& path, const std::vector<proxy::RouteSpec>& routes) {
  const proxy::RouteSpec& route = routes.back();
  const auto index = static_cast<std::uint32_t>(routes.size() - 1);
  const std::uint64_t place = std::hash<std::string>{}(route.path) * 31 + route.headers.size();
  const proxy::RouteSpec* taker = nullptr;
  std::size_t taken = 0;
  const auto look = [&](const std::string& host) {
    const std::uint64_t hash = std::hash<std::string>{}(host) * 1'000'003 + place;
    const auto [begin, end] = seen_.equal_range(hash);
    for (auto at = begin; at != end; ++at) {
      if (at->second == index || !takes_all(routes[at->second], route, host)) continue;
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
