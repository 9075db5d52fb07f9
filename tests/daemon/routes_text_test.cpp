#include "daemon/routes_text.hpp"

#include "tests/support/catch.hpp"

using namespace weir;
using namespace weir::daemon;

namespace {

proxy::RouteSpec route(std::vector<std::string> hosts, std::string path, std::string upstream) {
  proxy::RouteSpec result;
  result.hosts = std::move(hosts);
  result.path = std::move(path);
  result.upstream = std::move(upstream);
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  return lines;
}

}  // namespace

TEST_CASE("routes are listed in the order in which they are tried") {
  proxy::Spec spec;
  spec.routes.push_back(route({}, "/", "any"));
  spec.routes.push_back(route({"*.test"}, "/", "short_wildcard"));
  spec.routes.push_back(route({"*.deep.test"}, "/", "long_wildcard"));
  spec.routes.push_back(route({"a.deep.test"}, "/", "exact_host"));
  spec.routes.push_back(route({"a.deep.test"}, "/long/path", "longer_path"));
  spec.routes.push_back(route({"a.deep.test"}, "/p", "exact_path"));
  spec.routes.back().path_match = proxy::PathMatch::exact;
  spec.routes.push_back(route({"a.deep.test"}, "/", "method"));
  spec.routes.back().methods = {"GET", "HEAD"};
  spec.routes.push_back(route({"a.deep.test"}, "/", "header"));
  spec.routes.back().headers = {{"X-Env", "beta"}, {"X-Any", std::nullopt}};

  const std::vector<std::string> expected = {
      "  a.deep.test/p (exact) -> upstream exact_path", "  a.deep.test/long/path -> upstream longer_path",
      "  a.deep.test/ GET|HEAD -> upstream method",     "  a.deep.test/ [X-Env: beta] [X-Any] -> upstream header",
      "  a.deep.test/ -> upstream exact_host",          "  *.deep.test/ -> upstream long_wildcard",
      "  *.test/ -> upstream short_wildcard",           "  */ -> upstream any",
  };
  CHECK(lines_of(routes_in_match_order(spec)) == expected);
}

TEST_CASE("a prefix with and without a slash at its end is one prefix, so that the first one is tried first") {
  proxy::Spec spec;
  spec.routes = {route({}, "/a", "first"), route({}, "/a/", "second"), route({}, "/b/", "third"),
                 route({}, "/b", "fourth")};
  const std::vector<std::string> expected = {"  */a -> upstream first", "  */a/ -> upstream second",
                                             "  */b/ -> upstream third", "  */b -> upstream fourth"};
  CHECK(lines_of(routes_in_match_order(spec)) == expected);
}

TEST_CASE("a route with several hosts is listed under each, with its place and its listeners") {
  proxy::Spec spec;
  spec.routes.push_back(route({"b.test", "a.test"}, "/x", "app"));
  spec.routes.back().listeners = {"web", "admin"};
  spec.routes.back().origin = {"weir.yaml", 4, 5};
  const std::vector<std::string> expected = {
      "  a.test/x (on web, admin) -> upstream app  (weir.yaml:4:5)",
      "  b.test/x (on web, admin) -> upstream app  (weir.yaml:4:5)",
  };
  CHECK(lines_of(routes_in_match_order(spec)) == expected);
}

TEST_CASE("answers and redirects say what they are, and listeners' own targets come last") {
  proxy::Spec spec;
  spec.routes.push_back(route({}, "/a", {}));
  spec.routes.back().respond = proxy::Respond{};
  spec.routes.push_back(route({}, "/b", {}));
  spec.routes.back().redirect = proxy::Redirect{301, "/there"};
  spec.listeners.resize(3);
  spec.listeners[0].name = "web";
  spec.listeners[0].upstream = "app";
  spec.listeners[1].name = "plain";
  spec.listeners[1].redirect_to_https = true;
  spec.listeners[2].name = "bare";
  const std::vector<std::string> expected = {
      "  */a -> respond 200",
      "  */b -> redirect 301 to /there",
      "  */ (on web, when nothing above matches) -> upstream app",
      "  */ (on plain, when nothing above matches) -> redirect to https",
  };
  CHECK(lines_of(routes_in_match_order(spec)) == expected);
}
