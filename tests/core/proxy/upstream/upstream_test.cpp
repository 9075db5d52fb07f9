// Upstream: which endpoint a request goes to, and what is said when there is none.
#include "core/proxy/upstream/upstream.hpp"

#include <set>
#include <string>

#include "tests/sim/backend/sim_backend.hpp"
#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

struct Fixture {
  explicit Fixture(std::size_t endpoints) : world(1), reactor(world.make_backend()), store(reactor) {
    spec.endpoints.resize(endpoints);
  }

  sim::SimWorld world;
  Reactor reactor;
  ConnectionStore store;
  UpstreamSpec spec;
};

TEST_CASE("a single endpoint gets every request, until it was tried", "[upstream]") {
  Fixture fixture(1);
  Upstream upstream(fixture.store, fixture.spec, {});
  TriedSet tried;
  Endpoint* endpoint = upstream.pick(tried);
  REQUIRE(endpoint != nullptr);
  CHECK(upstream.pick(tried) == endpoint);
  CHECK(&endpoint->spec() == &fixture.spec.endpoints[0]);
  tried.add(upstream.index_of(*endpoint));
  CHECK(upstream.pick(tried) == nullptr);
}

TEST_CASE("a single endpoint without weight gets none", "[upstream]") {
  Fixture fixture(1);
  fixture.spec.endpoints[0].weight = 0;
  Upstream upstream(fixture.store, fixture.spec, {});
  CHECK(upstream.pick({}) == nullptr);
  CHECK_FALSE(upstream.lacks_health());
}

TEST_CASE("a single endpoint that is down gets none", "[upstream]") {
  Fixture fixture(1);
  const auto state = std::make_shared<EndpointState>();
  const std::vector<std::shared_ptr<const EndpointState>> states{state};
  Upstream upstream(fixture.store, fixture.spec, states);
  CHECK(upstream.pick({}) != nullptr);
  CHECK_FALSE(upstream.lacks_health());
  state->record(false, 1, 1);
  CHECK(upstream.pick({}) == nullptr);
  CHECK(upstream.lacks_health());
}

TEST_CASE("endpoints without weight have no say in whether an upstream lacks health", "[upstream]") {
  Fixture fixture(2);
  fixture.spec.endpoints[1].weight = 0;
  const auto down = std::make_shared<EndpointState>();
  down->record(false, 1, 1);
  const std::vector<std::shared_ptr<const EndpointState>> states{down, std::make_shared<EndpointState>()};
  const Upstream upstream(fixture.store, fixture.spec, states);
  CHECK(upstream.lacks_health());
}

TEST_CASE("endpoints get requests by their weight", "[upstream]") {
  Fixture fixture(2);
  fixture.spec.endpoints[0].weight = 3;
  Upstream upstream(fixture.store, fixture.spec, {});
  std::size_t first = 0;
  for (int i = 0; i < 40; ++i) first += upstream.index_of(*upstream.pick({})) == 0 ? 1 : 0;
  CHECK(first == 30);
}

TEST_CASE("each of many endpoints is tried once", "[upstream]") {
  for (const std::size_t count : {2, 64, 65, 200}) {
    Fixture fixture(count);
    Upstream upstream(fixture.store, fixture.spec, {});
    TriedSet tried;
    std::set<const Endpoint*> seen;
    while (Endpoint* endpoint = upstream.pick(tried)) {
      REQUIRE(seen.insert(endpoint).second);
      tried.add(upstream.index_of(*endpoint));
    }
    CHECK(seen.size() == count);
  }
}

}  // namespace
}  // namespace weir::proxy::test
