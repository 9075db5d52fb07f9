// Client and origin against each other, without a proxy between them: what they promise must hold there first, or they
// could not find a culprit.

#include "core/reactor/reactor.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/seeds.hpp"
#include "tests/sim/sim_client.hpp"
#include "tests/sim/sim_origin.hpp"
#include "tests/support/catch.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

struct Result {
  std::vector<std::string> violations;
  std::size_t complete = 0, all = 0;
  std::uint64_t trace = 0;
  bool ended = false;
};

Result run_pair(std::uint64_t seed, const FaultPlan& faults, const Mix& mix, bool all_succeed) {
  Result result;
  SimWorld world(seed);
  world.enable_chances();
  world.set_faults(faults);
  Ledger ledger(seed);
  SimProfile profile;
  profile.style = seed % 2 == 0 ? Style::readiness : Style::completion;
  {
    Reactor origins(world.make_backend(profile));
    Reactor clients(world.make_backend(profile));
    OriginOptions serve;
    serve.address = static_cast<SimBackend&>(origins.backend()).host();
    serve.address.port = 80;
    serve.direct = true;
    SimOrigin origin(origins, ledger, serve, seed + 1);
    ClientOptions ask;
    ask.server = serve.address;
    ask.must_close = all_succeed;
    ask.direct = true;
    SimClient client(clients, ledger, ask, seed + 2);
    std::vector<PlannedExchange*> exchanges;
    for (int i = 0; i < 15; ++i) {
      exchanges.push_back(&ledger.draw(mix));
      exchanges.back()->http_1_0 = false;  // translating versions is the proxy's work
    }
    Scope serving, asking;
    world.drive(origins);
    world.drive(clients);
    serving.spawn(origin.run());
    asking.spawn(client.run(exchanges));
    result.ended = world.run_until([&] { return asking.live() == 0; }, 24h);
    origin.stop();
    result.ended &= world.run_until([&] { return serving.live() == 0; }, 1h);
    world.release(clients);
    world.release(origins);
  }
  ledger.check_end(all_succeed);
  result.violations = ledger.violations();
  result.complete = ledger.count(Outcome::complete);
  result.all = ledger.exchanges().size();
  result.trace = world.trace_hash();
  if (world.open_handles() != 0) result.violations.push_back("a handle is still open");
  return result;
}

}  // namespace

TEST_CASE("a simulated client and origin agree on every byte over links that only delay and divide") {
  for (std::uint64_t seed = 1; seed <= seeds(100); ++seed) {
    Rng rng(seed);
    const FaultPlan faults = seed % 3 == 0 ? FaultPlan::none() : FaultPlan::harmless(rng);
    const Result result = run_pair(seed, faults, Mix{}, true);
    INFO("seed " << seed << ": " << (result.violations.empty() ? "" : result.violations.front()));
    REQUIRE(result.ended);
    REQUIRE(result.violations.empty());
    REQUIRE(result.complete == result.all);
  }
}

TEST_CASE("a simulated client and origin notice every cut over links that break") {
  std::size_t complete = 0, all = 0;
  Mix mix;
  mix.aborts = true;
  for (std::uint64_t seed = 1; seed <= seeds(100); ++seed) {
    Rng rng(seed);
    const Result result = run_pair(seed, FaultPlan::harmful(rng), mix, false);
    INFO("seed " << seed << ": " << (result.violations.empty() ? "" : result.violations.front()));
    REQUIRE(result.ended);
    REQUIRE(result.violations.empty());
    complete += result.complete;
    all += result.all;
  }
  CHECK(complete > all / 2);
  CHECK(complete < all);
}

TEST_CASE("a simulated client sees through an origin that misbehaves") {
  // Some of these a client cannot but believe, were it not for the ledger: garbage that looks like an answer is what
  // the proxy in between is there to stop.
  Mix mix;
  mix.misdeeds = true;
  std::size_t accused = 0;
  for (std::uint64_t seed = 1; seed <= seeds(50); ++seed) {
    const Result result = run_pair(seed, FaultPlan::none(), mix, false);
    INFO("seed " << seed);
    REQUIRE(result.ended);
    accused += !result.violations.empty();
  }
  CHECK(accused > 0);
}

TEST_CASE("clients and origins are as deterministic as the world they live in") {
  Rng rng(5);
  const FaultPlan faults = FaultPlan::harmful(rng);
  const Result first = run_pair(21, faults, Mix{}, false);
  const Result second = run_pair(21, faults, Mix{}, false);
  CHECK(first.trace == second.trace);
}

}  // namespace weir::sim
