// Which texts of a specification become templates, and what the others cost.
#include "core/proxy/request_texts.hpp"

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

TEST_CASE("Texts without a dollar are no templates, and a route of them costs nothing") {
  std::vector<RouteSpec> routes(3);
  routes[0].request_headers.set = {{"X-A", "1"}};
  routes[0].response_headers.add = {{"X-B", "100% {plain}"}};
  routes[1].redirect = Redirect{308, "https://a.test/"};
  routes[2].rewrite.prefix = "/new";
  routes[2].rewrite.host = "b.test";
  const std::vector<ListenerSpec> listeners(1);
  const RequestTexts texts(listeners, routes, {});
  for (std::size_t i = 0; i < routes.size(); ++i) CHECK(texts.of_route(i) == nullptr);
  CHECK(texts.of_listener(0) == nullptr);
  CHECK(texts.templates() == 0);
}

TEST_CASE("Equal texts are compiled once, whoever has them") {
  std::vector<RouteSpec> routes(1000);
  for (RouteSpec& route : routes) route.redirect = Redirect{308, "https://${host}${uri}"};
  std::vector<RouteSpec> added(1);
  added[0].redirect = Redirect{308, "https://${host}${uri}"};
  const RequestTexts texts({}, routes, added);
  CHECK(texts.templates() == 1);
  REQUIRE(texts.of_route(1000) != nullptr);
  CHECK(texts.of_route(1000)->location == texts.of_route(0)->location);
  CHECK(texts.of_route(1001) == nullptr);
}

TEST_CASE("The values of an edit are there in its order, those that vary as templates") {
  std::vector<RouteSpec> routes(2);
  HeaderEdit& varies = routes[0].response_headers;
  varies.set = {{"X-Host", "${host}"}, {"X-Plain", "plain"}};
  varies.add = {{"X-Price", "$$5"}};
  HeaderEdit& constant = routes[1].request_headers;
  constant.set = {{"X-Price", "$$7"}};
  constant.add = {{"X-Plain", "plain"}};
  const RequestTexts texts({}, routes, {});

  const EditTexts& first = texts.of_route(0)->response_headers;
  CHECK(first.values == std::vector<std::string_view>{"", "plain", "$5"});
  REQUIRE(first.templates.size() == 3);
  CHECK(first.templates[0] != nullptr);
  CHECK(first.templates[1] == nullptr);
  CHECK(first.templates[2] == nullptr);
  CHECK(texts.of_route(0)->request_headers.values.empty());

  const EditTexts& second = texts.of_route(1)->request_headers;
  CHECK(second.values == std::vector<std::string_view>{"$7", "plain"});
  CHECK(second.templates.empty());
}

TEST_CASE("Each text of a route and of a listener can be a template") {
  std::vector<RouteSpec> routes(3);
  routes[0].respond.emplace().headers.add = {{"X-Id", "${request_id}"}};
  routes[1].rewrite.prefix = "/t/${header.X-Tenant}";
  routes[2].rewrite.path = "/${host}${path}";
  routes[2].rewrite.host = "${host}";
  std::vector<ListenerSpec> listeners(2);
  listeners[1].response_headers.set = {{"X-Listener", "${listener}"}};
  const RequestTexts texts(listeners, routes, {});
  CHECK(texts.of_route(0)->respond_headers.templates.size() == 1);
  CHECK(texts.of_route(1)->prefix != nullptr);
  CHECK(texts.of_route(2)->path != nullptr);
  CHECK(texts.of_route(2)->host != nullptr);
  CHECK(texts.of_listener(0) == nullptr);
  CHECK(texts.of_listener(1)->templates.size() == 1);
}

TEST_CASE("What a URI cannot hold is encoded in a constant location too") {
  std::vector<RouteSpec> routes(1);
  routes[0].redirect = Redirect{308, "/caf\xC3\xA9"};
  const RequestTexts texts({}, routes, {});
  REQUIRE(texts.of_route(0) != nullptr);
  CHECK(texts.of_route(0)->location->constant() == "/caf%C3%A9");
}

}  // namespace
}  // namespace weir::proxy::test
