// Which of two routes is tried first, rank by rank.

#include "core/proxy/route_order.hpp"

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

RouteSpec route(std::vector<std::string> hosts, std::string path, PathMatch match = PathMatch::prefix) {
  RouteSpec spec;
  spec.hosts = std::move(hosts);
  spec.path = std::move(path);
  spec.path_match = match;
  return spec;
}

std::vector<std::string> listing(const std::vector<RouteSpec>& routes) {
  std::vector<std::string> lines;
  for (const RankedRoute& ranked : precedence_order(routes))
    lines.push_back(std::string(ranked.host) + ranked.route->path + " " + std::to_string(ranked.index));
  return lines;
}

TEST_CASE("Hosts are compared without port and final dot, a wildcard by what follows its star") {
  CHECK(host_key("example.com:8080") == "example.com");
  CHECK(host_key("example.com.") == "example.com");
  CHECK(host_key("[::1]:80") == "[::1]");
  CHECK(host_key("*.example.com") == ".example.com");
  CHECK(host_key("*").empty());
  CHECK(bare_host("[").size() == 1);
}

TEST_CASE("A prefix is compared without its final slash, an exact path with it") {
  CHECK(path_key(route({}, "/a/")) == "/a");
  CHECK(path_key(route({}, "/")).empty());
  CHECK(path_key(route({}, "/a/", PathMatch::exact)) == "/a/");
}

TEST_CASE("The order is that of hosts, then paths, then conditions, then the file") {
  std::vector<RouteSpec> routes = {
      route({}, "/"),           route({"*.test"}, "/"),    route({"*.a.test"}, "/"),
      route({"b.a.test"}, "/"), route({"b.a.test"}, "/p"), route({"b.a.test"}, "/p", PathMatch::exact),
      route({"b.a.test"}, "/"), route({"b.a.test"}, "/"),  route({"b.a.test"}, "/")};
  routes[6].headers = {{"X-A", std::nullopt}};
  routes[7].headers = {{"X-A", std::nullopt}, {"X-B", "1"}};
  routes[8].methods = {"GET"};
  CHECK(listing(routes) == std::vector<std::string>{"b.a.test/p 5", "b.a.test/p 4", "b.a.test/ 8", "b.a.test/ 7",
                                                    "b.a.test/ 6", "b.a.test/ 3", "*.a.test/ 2", "*.test/ 1", "/ 0"});
}

TEST_CASE("Both ways to write a prefix rank alike, so that the file decides") {
  CHECK(listing({route({}, "/a"), route({}, "/a/")}) == std::vector<std::string>{"/a 0", "/a/ 1"});
  CHECK(listing({route({}, "/a/"), route({}, "/a")}) == std::vector<std::string>{"/a/ 0", "/a 1"});
}

TEST_CASE("The case of a host does not matter, that of a path does") {
  const RouteSpec lower = route({"a.test"}, "/x");
  const RouteSpec upper = route({"A.Test:80"}, "/x");
  const RouteSpec other = route({"a.test"}, "/X");
  const auto same_rank = [&](const RouteSpec& of) {
    return compare_precedence({lower, 0, lower.hosts[0]}, {of, 1, of.hosts[0]}) == 0;
  };
  CHECK(same_rank(upper));
  CHECK_FALSE(same_rank(other));
}

TEST_CASE("A route stands in the order once for each host, and behind the first list comes the second") {
  const std::vector<RouteSpec> first = {route({"b", "a"}, "/")};
  const std::vector<RouteSpec> more = {route({"a"}, "/")};
  const std::vector<RankedRoute> order = precedence_order(first, more);
  REQUIRE(order.size() == 3);
  CHECK(order[0].host == "a");
  CHECK(order[0].index == 0);
  CHECK(order[1].host == "a");
  CHECK(order[1].index == 1);
  CHECK(order[2].host == "b");
}

}  // namespace
}  // namespace weir::proxy::test
