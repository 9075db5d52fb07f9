// Line 12: on the simulated backend, the same seed gives the same trace. Simulated only: a system has no seed.

#include "core/base/rng.hpp"
#include "tests/conformance/rig.hpp"
#include "tests/sim/backend/sim_backend.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

struct Outcome {
  std::uint64_t trace = 0;
  std::int64_t ended_at = 0;
  std::string got;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// A transfer over a bad link, with chance at every turn.
Outcome play(const sim::SimProfile& profile, std::uint64_t seed) {
  sim::SimWorld world(seed);
  world.enable_chances();
  world.set_faults(sim::FaultPlan::harmless(world.rng()));
  const auto backend = world.make_backend(profile);
  Outcome outcome;
  Handle listener, client, server;
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = backend->host();
  REQUIRE_FALSE(backend->open(listener, spec));
  REQUIRE_FALSE(backend->attach(listener));
  OpenSpec stream;
  stream.address.family = Family::ipv4;
  REQUIRE_FALSE(backend->open(client, stream));
  REQUIRE_FALSE(backend->attach(client));
  const auto run = [&](Flight& op) {
    op.state = OpState::in_flight;
    op.completions = 0;
    op.error = {};
    op.bytes = 0;
    if (backend->submit(op) == Submit::done) {
      op.state = OpState::idle;
      op.completions = 1;
    }
  };
  const auto finish = [&](Flight& op) {
    while (op.completions == 0) {
      Queue<Op> ready;
      backend->wait(TimePoint::max(), ready);
      while (Op* ended = ready.pop()) {
        ended->state = OpState::idle;
        ++static_cast<Flight*>(ended)->completions;
      }
    }
  };
  const Address to = backend->local_address(listener);
  Flight connecting(client, OpKind::connect), accepting(listener, OpKind::accept);
  connecting.connect = {&to};
  accepting.accept = {&server, nullptr};
  run(connecting);
  run(accepting);
  finish(accepting);
  finish(connecting);
  REQUIRE_FALSE(backend->attach(server));
  const std::string text(20'000, 's');
  std::size_t sent = 0;
  while (outcome.got.size() < text.size()) {
    const IoSlice slice(std::string_view(text).substr(sent));
    Flight sending(client, OpKind::send);
    sending.slices = {&slice, 1};
    if (sent < text.size()) run(sending);
    char memory[700];
    Flight receiving(server, OpKind::recv);
    receiving.memory = {memory, sizeof memory};
    run(receiving);
    finish(receiving);
    outcome.got.append(memory, receiving.bytes);
    if (sent < text.size()) {
      if (sending.completions == 0) {
        sending.state = OpState::cancelling;
        backend->cancel(sending);
        finish(sending);
      }
      sent += sending.bytes;
    }
  }
  backend->close(client);
  backend->close(server);
  backend->close(listener);
  outcome.trace = world.trace_hash();
  outcome.ended_at = world.now().ns;
  return outcome;
}

const sim::SimProfile& profile_of(const Rig& rig) {
  for (const sim::SimProfile& profile : sim::all_profiles()) {
    if (profile.name == rig.name()) return profile;
  }
  FAIL("no such profile");
  return sim::all_profiles().front();
}

}  // namespace

BACKEND_TEST("the same seed gives the same trace, another seed another", simulators) {
  const sim::SimProfile& profile = profile_of(rig);
  std::size_t different = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome first = play(profile, seed);
    const Outcome second = play(profile, seed);
    CHECK((first == second));
    CHECK(first.got == std::string(20'000, 's'));
    if (first.trace != play(profile, seed + 1000).trace) ++different;
  }
  CHECK(different == 20);
}

BACKEND_TEST("a wait moves virtual time to its deadline, not further", simulators) {
  const Duration step = rig.backend().capabilities().clock_resolution;
  for (int round = 0; round < 10; ++round) {
    const TimePoint deadline = rig.backend().now() + std::chrono::hours{1};
    CHECK(rig.wait(deadline) == 0);
    CHECK(rig.backend().now() >= deadline);
    CHECK(rig.backend().now() <= deadline + step);
  }
}
