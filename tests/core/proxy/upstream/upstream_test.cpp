// Upstream: which endpoint a request goes to, and what is said when there is none.
#include "core/proxy/upstream/upstream.hpp"

#include <set>
#include <string>

#include "tests/sim/backend/sim_backend.hpp"
#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

// Change `spec` before the first call of upstream().
struct Fixture {
  explicit Fixture(std::size_t endpoints) : world(1), reactor(world.make_backend()), store(reactor) {
    spec = std::make_shared<Spec>();
    spec->upstreams.resize(1);
    for (std::size_t i = 0; i < endpoints; ++i) {
      spec->upstreams[0].endpoints.emplace_back().text = "10.0.0.1:" + std::to_string(i + 1);
    }
  }
  std::vector<EndpointSpec>& endpoints() { return spec->upstreams[0].endpoints; }
  EndpointState& state(std::size_t i) { return *snapshot->upstreams[0].endpoints[i].state; }
  Upstream upstream(bool checked = false) {
    if (checked) spec->upstreams[0].health_check = HealthCheckSpec{};
    Findings findings;
    findings.states = &states;
    snapshot = std::make_unique<const Snapshot>(spec, findings);
    std::vector<EndpointMemory*> of_endpoints;
    for (std::size_t i = 0; i < endpoints().size(); ++i) {
      of_endpoints.push_back(memories.emplace_back(std::make_unique<EndpointMemory>(store)).get());
    }
    return Upstream(snapshot->upstreams[0], of_endpoints);
  }

  sim::SimWorld world;
  Reactor reactor;
  ConnectionStore store;
  std::vector<std::unique_ptr<EndpointMemory>> memories;
  std::shared_ptr<Spec> spec;
  EndpointStates states;
  std::unique_ptr<const Snapshot> snapshot;
};

TEST_CASE("a single endpoint gets every request, until it was tried", "[upstream]") {
  Fixture fixture(1);
  Upstream upstream = fixture.upstream();
  TriedSet tried;
  Endpoint* endpoint = upstream.pick(tried);
  REQUIRE(endpoint != nullptr);
  CHECK(upstream.pick(tried) == endpoint);
  CHECK(&endpoint->spec() == &fixture.endpoints()[0]);
  tried.add(endpoint->index());
  CHECK(upstream.pick(tried) == nullptr);
}

TEST_CASE("a single endpoint without weight gets none", "[upstream]") {
  Fixture fixture(1);
  fixture.endpoints()[0].weight = 0;
  Upstream upstream = fixture.upstream();
  CHECK(upstream.pick({}) == nullptr);
  CHECK_FALSE(upstream.lacks_health());
}

TEST_CASE("a single endpoint that is down gets none", "[upstream]") {
  Fixture fixture(1);
  Upstream upstream = fixture.upstream(true);
  CHECK(upstream.pick({}) != nullptr);
  CHECK_FALSE(upstream.lacks_health());
  fixture.state(0).record(false, 1, 1);
  CHECK(upstream.pick({}) == nullptr);
  CHECK(upstream.lacks_health());
}

TEST_CASE("endpoints without weight have no say in whether an upstream lacks health", "[upstream]") {
  Fixture fixture(2);
  fixture.endpoints()[1].weight = 0;
  const Upstream upstream = fixture.upstream(true);
  fixture.state(0).record(false, 1, 1);
  CHECK(upstream.lacks_health());
}

TEST_CASE("endpoints get requests by their weight", "[upstream]") {
  Fixture fixture(2);
  fixture.endpoints()[0].weight = 3;
  Upstream upstream = fixture.upstream();
  std::size_t first = 0;
  for (int i = 0; i < 40; ++i) first += upstream.pick({})->index() == 0 ? 1 : 0;
  CHECK(first == 30);
}

TEST_CASE("each of many endpoints is tried once", "[upstream]") {
  for (const std::size_t count : {2, 64, 65, 200}) {
    Fixture fixture(count);
    Upstream upstream = fixture.upstream();
    TriedSet tried;
    std::set<const Endpoint*> seen;
    while (Endpoint* endpoint = upstream.pick(tried)) {
      REQUIRE(seen.insert(endpoint).second);
      tried.add(endpoint->index());
    }
    CHECK(seen.size() == count);
  }
}

}  // namespace
}  // namespace weir::proxy::test
