// ReloadPlan: what another configuration would do to what is served.
#include "daemon/reload_plan.hpp"

#include "config/load.hpp"
#include "tests/support/catch.hpp"

namespace weir::daemon {
namespace {

std::shared_ptr<const proxy::Spec> spec_of(std::string_view text) {
  config::LoadResult loaded = config::load_text(text, "test.yaml");
  REQUIRE(loaded);
  return loaded.spec;
}

ReloadPlan planned(const proxy::Snapshot& now, std::string_view next) { return plan_of(now, *spec_of(next)); }

constexpr std::string_view before = R"(
listeners: { web: { bind: ["127.0.0.1:1", "127.0.0.1:2"] }, admin: { bind: "127.0.0.1:3" } }
routes:
  - { host: a.test, upstream: app }
  - { host: b.test, respond: 204 }
upstreams: { app: ["127.0.0.1:11", "127.0.0.1:12"], unused: "127.0.0.1:13" }
)";

}  // namespace

TEST_CASE("the same file changes nothing, wherever things stand in it") {
  const proxy::Snapshot now(spec_of(before));
  const ReloadPlan plan = planned(now, "\n\n" + std::string(before));
  CHECK(plan.changes_nothing());
  CHECK(plan.cut() == 0);
  CHECK(plan.routes.kept == 2);
}

TEST_CASE("a plan names what is kept, changed, added and removed, with live counts") {
  const proxy::Snapshot now(spec_of(before));
  now.listeners[0].state->connections = 5;
  now.listeners[1].state->connections = 3;
  now.listeners[1].state->tunnels = 2;
  const ReloadPlan plan = planned(now, R"(
listeners: { web: { bind: ["127.0.0.1:2", "127.0.0.1:4"] }, more: { bind: "127.0.0.1:5" } }
routes:
  - { host: c.test, respond: 204 }
  - { host: a.test, upstream: app, max_body: 1MiB }
upstreams: { app: ["127.0.0.1:12", "127.0.0.1:14"] }
timeouts: { head: 3s }
)");
  CHECK_FALSE(plan.changes_nothing());
  CHECK(plan.cut() == 2);
  CHECK(lines_of(plan) ==
        std::vector<std::string>{
            "listener web: changed, opens 127.0.0.1:4, closes 127.0.0.1:1, 5 connections",
            "listener admin: removed, closes 127.0.0.1:3, 3 connections drained, 2 tunnels cut",
            "listener more: added, opens 127.0.0.1:5",
            "upstream app: changed, adds 127.0.0.1:14, removes 127.0.0.1:11",
            "upstream unused: removed, removes 127.0.0.1:13",
            "routes: 0 kept, 1 changed, 1 added, 1 removed",
            "route added: c.test /",
            "route changed: a.test /",
            "route removed: b.test /",
            "timeouts: changed",
            "2 tunnels would be cut",
        });
  const std::string json = json_of(plan);
  CHECK(json.starts_with(R"({"listeners":[{"name":"web","fate":"changed","opens":["127.0.0.1:4"],)"));
  CHECK(json.ends_with(R"("settings":["timeouts"],"cut":2})"));
}

TEST_CASE("a route that only moved in the file is kept") {
  const proxy::Snapshot now(spec_of(before));
  std::string swapped(before);
  const std::string a = "  - { host: a.test, upstream: app }\n";
  swapped.erase(swapped.find(a), a.size());
  swapped.insert(swapped.find("upstreams:"), a);
  const ReloadPlan plan = planned(now, swapped);
  CHECK(plan.routes.kept == 2);
  CHECK(plan.changes_nothing());
}

}  // namespace weir::daemon
