// The compiled router against a plain reading of its rules: thousands of random route sets and queries.

#include <algorithm>

#include "core/base/rng.hpp"
#include "core/proxy/route_order.hpp"
#include "core/proxy/router.hpp"
#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

int pattern_rank(const std::string& pattern, const std::string& host) {
  if (pattern == host) return 1'000'000;
  const bool matches =
      pattern.starts_with("*.") && host.size() > pattern.size() - 1 && host.ends_with(pattern.substr(1));
  return matches ? static_cast<int>(pattern.size()) : -1;
}

// How specific a route's host is for a host, by the documented rule: -1: does not match, 0: any, else its length, and
// exact above every wildcard.
int host_rank(const RouteSpec& route, const std::string& host) {
  int best = route.hosts.empty() ? 0 : -1;
  for (const std::string& pattern : route.hosts) best = std::max(best, pattern_rank(pattern, host));
  return best;
}

int path_rank(const RouteSpec& route, const std::string& path) {
  if (route.path_match == PathMatch::exact) return route.path == path ? 1'000'000 : -1;
  std::string prefix = route.path;
  if (prefix.ends_with('/')) prefix.pop_back();
  return path == prefix || path.starts_with(prefix + "/") ? static_cast<int>(prefix.size()) : -1;
}

struct Asked {
  std::string method;
  std::vector<std::string> fields;  // names of fields with the value "1"
};

bool conditions_hold(const RouteSpec& route, const Asked& asked, const std::string& listener) {
  const auto has = [](const auto& list, const std::string& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
  };
  if (!route.listeners.empty() && !has(route.listeners, listener)) return false;
  if (!route.methods.empty() && !has(route.methods, asked.method)) return false;
  return std::all_of(route.headers.begin(), route.headers.end(), [&](const HeaderMatch& match) {
    return has(asked.fields, match.name) && (!match.value || *match.value == "1");
  });
}

std::uint32_t plain_find(const std::vector<RouteSpec>& routes, const std::string& host, const std::string& path,
                         const Asked& asked, const std::string& listener) {
  std::uint32_t best = Router::none;
  std::array<int, 4> best_rank{};
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    const RouteSpec& route = routes[i];
    const std::array<int, 4> rank{host_rank(route, host), path_rank(route, path), route.methods.empty() ? 0 : 1,
                                  static_cast<int>(route.headers.size())};
    if (rank[0] < 0 || rank[1] < 0 || !conditions_hold(route, asked, listener)) continue;
    if (best != Router::none && rank <= best_rank) continue;
    best = i;
    best_rank = rank;
  }
  return best;
}

// The first route of the listing that `weir check -v` prints whose line matches.
std::uint32_t first_in_order(const std::vector<RankedRoute>& order, const std::string& host, const std::string& path,
                             const Asked& asked, const std::string& listener) {
  for (const RankedRoute& ranked : order) {
    if (!ranked.host.empty() && pattern_rank(std::string(ranked.host), host) < 0) continue;
    if (path_rank(*ranked.route, path) >= 0 && conditions_hold(*ranked.route, asked, listener)) return ranked.index;
  }
  return Router::none;
}

// A small vocabulary, so that much matches.
struct World {
  Rng rng;
  explicit World(std::uint64_t seed) : rng(seed) {}

  std::string pick(std::initializer_list<const char*> words) { return words.begin()[rng.below(words.size())]; }
  std::string host() {
    std::string text = pick({"a", "b", "c.d"});
    for (std::uint64_t i = rng.below(3); i > 0; --i) text = pick({"a.", "b.", "x-y."}) + text;
    return text;
  }
  std::string path() {
    std::string text = rng.chance(0.1) ? "/" : "";
    for (std::uint64_t i = rng.below(4); i > 0; --i) text += pick({"/a", "/b", "/ab", "/a-very-long-segment", "/"});
    return text.empty() ? "/" : text;
  }
  RouteSpec route() {
    RouteSpec spec;
    for (std::uint64_t i = rng.below(3); i > 0; --i) spec.hosts.push_back((rng.chance(0.5) ? "*." : "") + host());
    spec.path = path();
    spec.path_match = rng.chance(0.3) ? PathMatch::exact : PathMatch::prefix;
    for (std::uint64_t i = rng.chance(0.3) ? rng.between(1, 2) : 0; i > 0; --i)
      spec.methods.push_back(pick({"GET", "POST", "PURGE", "LIST"}));
    for (const char* name : {"X-A", "X-B"})
      if (rng.chance(0.15))
        spec.headers.push_back({name, rng.chance(0.5) ? std::optional<std::string>(pick({"1", "2"})) : std::nullopt});
    if (rng.chance(0.2)) spec.listeners.push_back(pick({"l0", "l1"}));
    return spec;
  }
};

void run_one(std::uint64_t seed) {
  World world(seed);
  std::vector<RouteSpec> routes;
  for (std::uint64_t i = world.rng.below(seed % 10 == 0 ? 120 : 12); i > 0; --i) routes.push_back(world.route());
  std::vector<ListenerSpec> listeners(2);
  listeners[0].name = "l0";
  listeners[1].name = "l1";
  const std::size_t split = world.rng.below(routes.size() + 1);
  const std::span<const RouteSpec> all = routes;
  Router router(all.first(split), all.subspan(split));
  router.bind_listeners(listeners);
  const std::vector<RankedRoute> order = precedence_order(all.first(split), all.subspan(split));
  for (int i = 0; i < 8; ++i) {
    Asked asked;
    asked.method = world.pick({"GET", "POST", "PURGE", "LIST", "PUT"});
    std::string text = asked.method + " / HTTP/1.1\r\nHost: a\r\n";
    for (const char* name : {"X-A", "X-B"}) {
      if (world.rng.chance(0.5)) continue;
      asked.fields.emplace_back(name);
      text.append(name).append(": 1\r\n");
    }
    const Request request(text + "\r\n");
    const std::string host = world.host();
    const std::string path = world.path();
    const auto listener = static_cast<std::uint32_t>(world.rng.below(2));
    INFO("seed " << seed << ": " << asked.method << " " << host << path << " on l" << listener);
    const std::uint32_t expected = plain_find(routes, host, path, asked, listeners[listener].name);
    REQUIRE(router.find({listener, host, path, &request.head()}) == expected);
    REQUIRE(first_in_order(order, host, path, asked, listeners[listener].name) == expected);
  }
}

TEST_CASE("Router and precedence order agree with a plain search through all routes") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) run_one(seed);
}

TEST_CASE("Every one of ten thousand hosts is found") {
  std::vector<RouteSpec> routes(10'000);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const std::string name = "host-" + std::to_string(i) + ".example.com";
    routes[i].hosts = {i % 3 == 0 ? "*." + name : name};
  }
  const Router router(routes);
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    const std::string name = "HOST-" + std::to_string(i) + ".example.com";
    REQUIRE(router.find({0, i % 3 == 0 ? "www." + name : name, "/x", nullptr}) == i);
    REQUIRE(router.find({0, i % 3 == 0 ? name : "www." + name, "/x", nullptr}) == Router::none);
  }
}

TEST_CASE("Every one of ten thousand paths of one host is found") {
  std::vector<RouteSpec> routes(10'000);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    routes[i].hosts = {"example.com"};
    routes[i].path = "/path/" + std::to_string(i);
    routes[i].path_match = i % 2 == 0 ? PathMatch::exact : PathMatch::prefix;
  }
  const Router router(routes);
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    REQUIRE(router.find({0, "example.com", routes[i].path, nullptr}) == i);
    REQUIRE(router.find({0, "example.com", routes[i].path + "/x", nullptr}) == (i % 2 == 0 ? Router::none : i));
  }
}

}  // namespace
}  // namespace weir::proxy::test
