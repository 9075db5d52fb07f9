// A new configuration while an engine serves, at chosen moments: what goes on, what is closed, what comes to an end. Random
// moments are engine_test's.

#include "tests/sim/scripted.hpp"

namespace weir::sim {
namespace {

std::string plain(const TextHead&, int number) { return answer("200 OK", number); }
void as_it_is(proxy::Spec&) {}

// The present specification, changed.
std::shared_ptr<proxy::Spec> changed(const EngineWorld& sim, const std::function<void(proxy::Spec&)>& change) {
  auto next = std::make_shared<proxy::Spec>(*sim.spec);
  change(*next);
  return next;
}

void reload(EngineWorld& sim, const std::function<void(proxy::Spec&)>& change, bool commits = true) {
  const std::size_t before = sim.reloads();
  sim.reload_at(sim.world.now(), changed(sim, change), commits);
  if (commits) {
    REQUIRE(sim.world.run_until([&] { return sim.reloads() > before; }, 1s));
  } else {
    sim.world.run_for(1ms);
  }
}

TEST_CASE("A connection to an endpoint that stays is used again after a reload, one to an endpoint that goes is closed") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain, as_it_is);
    Asking client(world.sim, 1);
    CHECK(client.ask() == 1);
    reload(world.sim, [](proxy::Spec& spec) { spec.timeouts.idle = 7s; });
    CHECK(client.ask() == 1);
    CHECK(world.sim.server().idle_upstreams() == 1);
    reload(world.sim, [](proxy::Spec& spec) { spec.listeners[0].upstream = spec.upstreams[0].name = "other"; });
    world.sim.world.run_for(10ms);
    CHECK(world.sim.server().idle_upstreams() == 0);
    CHECK(client.ask() == 2);
  });
}

TEST_CASE("Fewer idle connections are kept at once when a reload says so") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain, as_it_is);
    Asking one(world.sim, 1), two(world.sim, 2);
    one.begin();
    two.begin();
    REQUIRE(world.sim.world.run_until([&] { return one.done() && two.done(); }, 1min));
    world.sim.world.run_for(1ms);
    const std::uint32_t before = world.sim.server().idle_upstreams();
    reload(world.sim, [](proxy::Spec& spec) { spec.upstreams[0].max_idle = 0; });
    world.sim.world.run_for(10ms);
    CHECK(before >= 1);
    CHECK(world.sim.server().idle_upstreams() == 0);
  });
}

TEST_CASE("A configuration that is prepared and abandoned leaves nothing") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain, as_it_is);
    Asking client(world.sim, 1);
    CHECK(client.ask() == 1);
    reload(world.sim, [](proxy::Spec& spec) { spec.listeners[0].upstream = spec.upstreams[0].name = "other"; }, false);
    CHECK(client.ask() == 1);
    reload(world.sim, as_it_is);
    CHECK(client.ask() == 1);
  });
}

// The name is the listener's identity: under another one it is another listener, and the clients of the old one leave.
TEST_CASE("Clients of a listener that is gone are told with their next answer, and idle ones end soon") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain, as_it_is);
    Asking busy(world.sim, 1), idle(world.sim, 2), fresh(world.sim, 3);
    CHECK(busy.ask() > 0);
    CHECK(idle.ask() > 0);
    reload(world.sim, [](proxy::Spec& spec) { spec.listeners[0].name = "renamed"; });
    CHECK(busy.ask() > 0);
    CHECK(busy.closed_by_proxy());
    world.sim.world.run_for(2s);  // Spec::runtime.shutdown.idle is one
    CHECK(idle.closed_by_proxy());
    CHECK(fresh.ask() > 0);
    CHECK_FALSE(fresh.closed_by_proxy());
    CHECK(world.sim.server().connections() == 1);
  });
}

TEST_CASE("What a listener that is gone has not finished in its time is cut, unless the listener is back") {
  for (const bool comes_back : {false, true}) {
    INFO((comes_back ? "it comes back" : "it stays away"));
    on_both_styles([&](Style style) {
      ScriptedWorld world(
          style, [](const TextHead&, int) { return std::string(); },
          [](proxy::Spec& spec) {
            spec.timeouts.first_byte = 1h;
            spec.runtime.shutdown.timeout = 5s;
          });
      Asking client(world.sim, 1);
      client.begin();
      world.sim.world.run_for(1s);
      reload(world.sim, [](proxy::Spec& spec) { spec.listeners[0].name = "renamed"; });
      world.sim.world.run_for(2s);
      if (comes_back) reload(world.sim, as_it_is);
      world.sim.world.run_for(4s);
      CHECK(client.done() != comes_back);
      world.sim.server().stop();
      CHECK(world.sim.world.run_until([&] { return client.done(); }, 1min));
    });
  }
}

}  // namespace
}  // namespace weir::sim
