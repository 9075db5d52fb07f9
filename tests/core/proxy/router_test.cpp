// Precedence of routes, case by case.

#include "core/proxy/router.hpp"

#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

RouteSpec route(std::vector<std::string> hosts, std::string path, PathMatch match = PathMatch::prefix) {
  RouteSpec spec;
  spec.hosts = std::move(hosts);
  spec.path = std::move(path);
  spec.path_match = match;
  return spec;
}

constexpr std::uint32_t none = Router::none;

struct Lookup {
  std::string_view host, path;
  std::uint32_t expected;
};

void check(const std::vector<RouteSpec>& routes, std::initializer_list<Lookup> lookups) {
  const Router router(routes);
  for (const Lookup& lookup : lookups) {
    INFO(lookup.host << " " << lookup.path);
    CHECK(router.find({0, lookup.host, lookup.path, nullptr}) == lookup.expected);
  }
}

TEST_CASE("Without routes nothing is found") { check({}, {{"a", "/", none}, {"", "", none}}); }

TEST_CASE("An exact host comes before the longest wildcard before any host") {
  check(
      {route({}, "/"), route({"*.example.com"}, "/"), route({"*.b.example.com"}, "/"), route({"a.b.example.com"}, "/")},
      {{"a.b.example.com", "/", 3},
       {"x.b.example.com", "/", 2},
       {"x.y.b.example.com", "/", 2},
       {"b.example.com", "/", 1},
       {"x.example.com", "/", 1},
       {"example.com", "/", 0},
       {"notexample.com", "/", 0},
       {"other", "/", 0},
       {"", "/", 0}});
}

TEST_CASE("A wildcard needs at least one label") {
  check({route({"*.example.com"}, "/")}, {{"example.com", "/", none},
                                          {".example.com", "/", none},
                                          {"a.example.com", "/", 0},
                                          {"a.b.c.example.com", "/", 0},
                                          {"aexample.com", "/", none},
                                          {"a.example.com.evil", "/", none}});
}

TEST_CASE("Hosts are compared without case, port and final dot") {
  check({route({"example.com"}, "/"), route({"*.wild.example"}, "/"), route({"[::1]"}, "/"), route({"10.0.0.1"}, "/"),
         route({"Upper.Example"}, "/")},
        {{"EXAMPLE.com", "/", 0},
         {"example.com:8080", "/", 0},
         {"example.com.", "/", 0},
         {"example.com.:80", "/", 0},
         {"X.WILD.EXAMPLE:1", "/", 1},
         {"[::1]", "/", 2},
         {"[::1]:8080", "/", 2},
         {"[::2]", "/", none},
         {"10.0.0.1:80", "/", 3},
         {"upper.example", "/", 4},
         {"[", "/", none},
         {":80", "/", none},
         {".", "/", none}});
}

TEST_CASE("A route may have several hosts, and one that is any") {
  check({route({"a", "b", "*.c"}, "/"), route({"*"}, "/")},
        {{"a", "/", 0}, {"b", "/", 0}, {"x.c", "/", 0}, {"d", "/", 1}});
}

TEST_CASE("An exact path comes before the longest prefix") {
  check({route({}, "/"), route({}, "/a"), route({}, "/a/b"), route({}, "/a/b", PathMatch::exact)}, {{"h", "/a/b", 3},
                                                                                                    {"h", "/a/b/", 2},
                                                                                                    {"h", "/a/b/c", 2},
                                                                                                    {"h", "/a/bc", 1},
                                                                                                    {"h", "/a", 1},
                                                                                                    {"h", "/ab", 0},
                                                                                                    {"h", "/", 0},
                                                                                                    {"h", "*", 0},
                                                                                                    {"h", "", 0}});
}

TEST_CASE("A prefix matches whole segments, with or without a slash at its end") {
  check({route({}, "/v1/")},
        {{"h", "/v1", 0}, {"h", "/v1/", 0}, {"h", "/v1/x", 0}, {"h", "/v10", none}, {"h", "/v", none}});
  check({route({}, "/v1")}, {{"h", "/v1", 0}, {"h", "/v1/", 0}, {"h", "/v1/x", 0}, {"h", "/v10", none}});
  check({route({}, "/v1/", PathMatch::exact)}, {{"h", "/v1", none}, {"h", "/v1/", 0}});
}

TEST_CASE("Paths are compared with case") { check({route({}, "/A")}, {{"h", "/a", none}, {"h", "/A", 0}}); }

TEST_CASE("What follows the prefix is the same for both ways to write it") {
  CHECK(behind_prefix(route({}, "/a"), "/a/x") == "/x");
  CHECK(behind_prefix(route({}, "/a/"), "/a/x") == "/x");
  CHECK(behind_prefix(route({}, "/a/"), "/a").empty());
  CHECK(behind_prefix(route({}, "/"), "/a/x") == "/a/x");
}

TEST_CASE("The host decides before the path") {
  check({route({}, "/long/path"), route({"a"}, "/")}, {{"a", "/long/path", 1}, {"b", "/long/path", 0}});
}

TEST_CASE("A less specific host or path serves what the more specific one does not") {
  check({route({"a"}, "/only"), route({"*.c"}, "/w"), route({}, "/x")},
        {{"a", "/only", 0}, {"a", "/x", 2}, {"b.c", "/w", 1}, {"b.c", "/x", 2}, {"b.c", "/only", none}});
}

TEST_CASE("Of duplicate routes the first one in the file is found") {
  check({route({"a"}, "/"), route({"a"}, "/"), route({"a", "a"}, "/")}, {{"a", "/", 0}});
}

struct Conditions {
  std::vector<RouteSpec> routes;
  std::uint32_t find(std::string_view method, std::initializer_list<std::string_view> fields,
                     std::string_view path = "/") const {
    std::string text = std::string(method) + " / HTTP/1.1\r\nHost: h\r\n";
    for (const std::string_view field : fields) text.append(field).append("\r\n");
    const Request request(text + "\r\n");
    return Router(routes).find({0, "h", path, &request.head()});
  }
};

TEST_CASE("A route with a method comes before one without") {
  Conditions conditions;
  conditions.routes = {route({}, "/"), route({}, "/"), route({}, "/")};
  conditions.routes[1].methods = {"POST", "PURGE"};
  conditions.routes[2].methods = {"PURGE", "get"};
  CHECK(conditions.find("GET", {}) == 0);
  CHECK(conditions.find("POST", {}) == 1);
  CHECK(conditions.find("PURGE", {}) == 1);
  CHECK(conditions.find("OTHER", {}) == 0);
  CHECK(conditions.find("get", {}) == 2);  // methods are compared with case
}

TEST_CASE("Every known method can be a condition") {
  for (const std::string method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"}) {
    Conditions conditions;
    conditions.routes = {route({}, "/")};
    conditions.routes[0].methods = {method};
    CHECK(conditions.find(method, {}) == 0);
    CHECK(conditions.find("PURGE", {}) == none);
    CHECK(conditions.find(method == "GET" ? "PUT" : "GET", {}) == none);
  }
}

TEST_CASE("More matched header fields come first, after the method") {
  Conditions conditions;
  conditions.routes = {route({}, "/"), route({}, "/"), route({}, "/"), route({}, "/")};
  conditions.routes[0].headers = {{"X-A", "1"}};
  conditions.routes[1].headers = {{"x-a", "1"}, {"X-B", std::nullopt}};
  conditions.routes[2].methods = {"POST"};
  CHECK(conditions.find("GET", {"X-A: 1"}) == 0);
  CHECK(conditions.find("GET", {"X-A: 1", "x-b: anything"}) == 1);
  CHECK(conditions.find("POST", {"X-A: 1", "X-B: 2"}) == 2);
  CHECK(conditions.find("GET", {"X-A: 2", "X-B: 2"}) == 3);
  CHECK(conditions.find("GET", {"X-A: 2", "X-A: 1"}) == 0);  // any of several lines
  CHECK(conditions.find("GET", {}) == 3);
}

TEST_CASE("Where no condition of the most specific path holds, a shorter prefix is taken") {
  Conditions conditions;
  conditions.routes = {route({"h"}, "/a/b"), route({"h"}, "/a"), route({}, "/a/b", PathMatch::exact)};
  conditions.routes[0].methods = {"POST"};
  conditions.routes[1].headers = {{"X-A", std::nullopt}};
  CHECK(conditions.find("POST", {}, "/a/b") == 0);
  CHECK(conditions.find("GET", {"X-A: 1"}, "/a/b") == 1);
  CHECK(conditions.find("GET", {}, "/a/b") == 2);
  CHECK(conditions.find("GET", {}, "/a/c") == none);
}

TEST_CASE("A condition does not hold where the head is not known") {
  std::vector<RouteSpec> routes = {route({}, "/")};
  routes[0].methods = {"GET"};
  check(routes, {{"h", "/", none}});
}

std::vector<ListenerSpec> listeners(std::size_t count) {
  std::vector<ListenerSpec> list(count);
  for (std::size_t i = 0; i < count; ++i) list[i].name = "l" + std::to_string(i);
  return list;
}

TEST_CASE("A route limited to listeners is found on those only") {
  std::vector<RouteSpec> routes = {route({"a"}, "/"), route({}, "/"), route({}, "/")};
  routes[0].listeners = {"l0", "l99"};
  routes[1].listeners = {"l1"};
  Router router(routes);
  CHECK(router.find({0, "a", "/", nullptr}) == 2);  // which listener l0 is, is not known yet
  router.bind_listeners(listeners(130));
  CHECK(router.find({0, "a", "/", nullptr}) == 0);
  CHECK(router.find({1, "a", "/", nullptr}) == 1);
  CHECK(router.find({2, "a", "/", nullptr}) == 2);
  CHECK(router.find({99, "a", "/", nullptr}) == 0);
  CHECK(router.find({129, "a", "/", nullptr}) == 2);
  CHECK(router.find({100000, "a", "/", nullptr}) == 2);
  router.bind_listeners({});
  CHECK(router.find({0, "a", "/", nullptr}) == 2);
}

TEST_CASE("A listener that redirects serves only the routes that name it") {
  std::vector<RouteSpec> routes = {route({}, "/"), route({}, "/.well-known")};
  routes[1].listeners = {"l0"};
  Router router(routes);
  std::vector<ListenerSpec> list = listeners(2);
  list[0].redirect_to_https = true;
  router.bind_listeners(list);
  CHECK(router.find({0, "a", "/", nullptr}) == none);
  CHECK(router.find({0, "a", "/.well-known/x", nullptr}) == 1);
  CHECK(router.find({1, "a", "/.well-known/x", nullptr}) == 0);
}

TEST_CASE("Routes of both lists are numbered through") {
  const std::vector<RouteSpec> first = {route({"a"}, "/")};
  const std::vector<RouteSpec> more = {route({"b"}, "/"), route({}, "/")};
  const Router router(first, more);
  CHECK(router.find({0, "a", "/", nullptr}) == 0);
  CHECK(router.find({0, "b", "/", nullptr}) == 1);
  CHECK(router.find({0, "c", "/", nullptr}) == 2);
}

}  // namespace
}  // namespace weir::proxy::test
