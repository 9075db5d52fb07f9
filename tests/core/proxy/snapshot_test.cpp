// What a snapshot adds to the routes of the file.

#include "core/proxy/snapshot.hpp"

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

std::shared_ptr<Spec> two_listeners() {
  auto spec = std::make_shared<Spec>();
  spec->listeners.resize(3);
  spec->listeners[0].name = "web";
  spec->listeners[0].upstream = "app";
  spec->listeners[1].name = "plain";
  spec->listeners[1].redirect_to_https = true;
  spec->listeners[2].name = "bare";
  spec->upstreams.resize(2);
  spec->upstreams[0].name = "api";
  spec->upstreams[1].name = "app";
  spec->routes.resize(3);
  spec->routes[0].path = "/api";
  spec->routes[0].upstream = "api";
  spec->routes[1].path = "/hello";
  spec->routes[1].respond.emplace();
  spec->routes[2].path = "/open";
  spec->routes[2].listeners = {"plain"};
  spec->routes[2].upstream = "nobody";
  return spec;
}

std::uint32_t find(const Snapshot& snapshot, std::uint32_t listener, std::string_view path) {
  return snapshot.router.find({listener, "h", path, nullptr});
}

TEST_CASE("A listener's own upstream serves what no route does") {
  const Snapshot snapshot(two_listeners());
  REQUIRE(snapshot.routes.size() == 5);
  CHECK(find(snapshot, 0, "/api/x") == 0);
  CHECK(find(snapshot, 0, "/other") == 3);
  CHECK(find(snapshot, 2, "/api/x") == 0);
  CHECK(find(snapshot, 2, "/other") == Snapshot::none);
  CHECK(snapshot.routes[3].upstream == "app");
  CHECK(snapshot.routes[3].name == "listener web");
}

TEST_CASE("The rules for paths are those of the file first, then what routes have besides") {
  const auto spec = two_listeners();
  CHECK(Snapshot(spec).path_rules.size() == 1);
  const auto other = two_listeners();
  other->paths.merge_slashes = false;
  for (RouteSpec& route : other->routes) route.paths = other->paths;
  other->routes[1].paths.encoded_slash = PathRules::EncodedSlash::keep;
  const Snapshot snapshot(other);
  REQUIRE(snapshot.path_rules.size() == 2);
  CHECK(snapshot.path_rules[0] == other->paths);
  CHECK(snapshot.path_rules[1] == other->routes[1].paths);
  CHECK(snapshot.routes[3].paths == other->paths);  // of a listener
}

TEST_CASE("A listener that redirects to https does so for all but the routes that name it") {
  const Snapshot snapshot(two_listeners());
  CHECK(find(snapshot, 1, "/open") == 2);
  CHECK(find(snapshot, 1, "/api/x") == 4);
  CHECK(find(snapshot, 1, "/") == 4);
  REQUIRE(snapshot.routes[4].redirect);
  CHECK(snapshot.routes[4].redirect->status == 308);
  CHECK(snapshot.routes[4].redirect->location == "https://${host}${uri}");
}

TEST_CASE("A redirect comes before the upstream of the same listener") {
  auto spec = two_listeners();
  spec->listeners[0].redirect_to_https = true;
  const Snapshot snapshot(spec);
  const std::uint32_t found = find(snapshot, 0, "/other");
  REQUIRE(found != Snapshot::none);
  CHECK(snapshot.routes[found].redirect);
}

TEST_CASE("The upstream of a route is its place in the specification") {
  const Snapshot snapshot(two_listeners());
  CHECK(snapshot.upstream_of_route == std::vector<std::uint32_t>{0, Snapshot::none, Snapshot::none, 1, Snapshot::none});
}

TEST_CASE("The routes of the file are not copied") {
  const auto spec = two_listeners();
  const Snapshot snapshot(spec);
  CHECK(&snapshot.routes[1] == &spec->routes[1]);
}

TEST_CASE("An endpoint has the addresses of the file, or those that its name was resolved to") {
  const auto spec = two_listeners();
  spec->upstreams[1].endpoints.resize(3);
  auto& endpoints = spec->upstreams[1].endpoints;
  endpoints[0].text = "10.0.0.1:80";
  endpoints[0].addresses = {*parse_address("10.0.0.1:80")};
  endpoints[1].text = "api.internal:80";
  endpoints[2].text = "other.internal:80";
  Findings findings;
  findings.addresses["api.internal:80"] = {*parse_address("10.0.0.2:80"), *parse_address("10.0.0.3:80")};
  findings.addresses["10.0.0.1:80"] = {*parse_address("10.0.0.4:80")};  // not in the specification
  const Snapshot snapshot(spec, findings);
  const auto& compiled = snapshot.upstreams[1].endpoints;
  REQUIRE(compiled.size() == 3);
  CHECK(compiled[0].addresses == endpoints[0].addresses);
  CHECK(compiled[1].addresses == findings.addresses["api.internal:80"]);
  CHECK(compiled[2].addresses.empty());
  CHECK(endpoints[1].addresses.empty());  // the specification is as it was
}

TEST_CASE("The bound of a run makes pools smaller and never larger") {
  const auto spec = two_listeners();
  spec->upstreams[0].max_idle = 5;
  spec->upstreams[1].max_idle = 500;
  Findings findings;
  findings.max_idle = 100;
  const Snapshot snapshot(spec, findings);
  CHECK(snapshot.upstreams[0].max_idle == 5);
  CHECK(snapshot.upstreams[1].max_idle == 100);
  const Snapshot unbounded(spec);
  CHECK(unbounded.upstreams[1].max_idle == 500);
}

TEST_CASE("Endpoints have a state where they are checked, the same one after a reload") {
  const auto spec = two_listeners();
  for (UpstreamSpec& upstream : spec->upstreams) upstream.endpoints.emplace_back().text = "10.0.0.1:80";
  spec->upstreams[1].health_check = HealthCheckSpec{};
  EndpointStates states;
  Findings findings;
  findings.states = &states;
  const Snapshot first(spec, findings);
  const Snapshot second(spec, findings);
  CHECK(first.upstreams[0].endpoints[0].state == nullptr);
  REQUIRE(first.upstreams[1].endpoints[0].state != nullptr);
  CHECK(first.upstreams[1].endpoints[0].state == second.upstreams[1].endpoints[0].state);
  const Snapshot unchecked(spec);
  CHECK(unchecked.upstreams[1].endpoints[0].state == nullptr);
}

}  // namespace
}  // namespace weir::proxy::test
