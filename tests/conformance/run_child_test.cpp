// run_child on every backend: a program from its start to its end, and nothing left of it.

#include "core/reactor/run_child.hpp"

#include "core/coro/frame_pool.hpp"
#include "core/platform/descriptors.hpp"
#include "core/reactor/awaitables.hpp"
#include "tests/conformance/runner.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_children.hpp"

using namespace weir;
using namespace weir::conformance;
using namespace std::chrono_literals;

namespace {

Task<void> cancel_after(Reactor& reactor, Duration span, CancelSource& source) {
  const TimePoint deadline = reactor.clock() + span;
  co_await SleepUntil(reactor, deadline);
  source.cancel();
}

Task<void> run_and_cancel(Reactor& reactor, RunSpec spec, Duration span, RunResult& result) {
  CancelSource source;
  Scope scope;
  scope.spawn(cancel_after(reactor, span, source));
  scope.spawn(run_into(reactor, std::move(spec), source.token(), result));
  auto joined = scope.join();
  co_await joined;
}

bool refused(Rig& rig) {
  const Ruling rule = rig.backend().capabilities()[Feature::child_processes];
  if (rule.allowed) return false;
  Runner runner(rig);
  const RunResult result = runner.run(runner.spec({"exit", "0"}));
  CHECK(result.end == RunEnd::not_started);
  CHECK(result.error.code == Errc::not_supported);
  CHECK(result.error.rule == rule.rule);
  return true;
}

}  // namespace

BACKEND_TEST("run_child tells how a program ended and what it printed") {
  if (refused(rig)) return;
  Runner runner(rig);
  const RunResult good = runner.run(runner.spec({"say", "out", "err"}));
  CHECK(good.end == RunEnd::exited);
  CHECK(good.succeeded());
  CHECK(good.output == "outerr");
  CHECK(good.dropped == 0);
  const RunResult bad = runner.run(runner.spec({"exit", "3"}));
  CHECK(bad.end == RunEnd::exited);
  CHECK_FALSE(bad.succeeded());
  CHECK(bad.status.code == 3);
  CHECK(bad.output.empty());
}

BACKEND_TEST("run_child tells why a program was not started") {
  if (refused(rig)) return;
  Runner runner(rig);
  RunSpec spec;
  spec.argv = {"./no-such-program"};
  const RunResult result = runner.run(spec);
  CHECK(result.end == RunEnd::not_started);
  CHECK(result.error.code == Errc::not_found);
  CHECK_FALSE(result.succeeded());
}

BACKEND_TEST("run_child keeps so much of the output, and reads on") {
  if (refused(rig)) return;
  Runner runner(rig);
  RunSpec spec = runner.spec({"flood", "500000"});
  spec.max_output = 100;
  const RunResult result = runner.run(spec);
  CHECK(result.succeeded());
  CHECK(result.output == std::string(100, 'f'));
  CHECK(result.dropped == 499'900);
  spec.max_output = 0;
  const RunResult deaf = runner.run(spec);
  CHECK(deaf.succeeded());
  CHECK(deaf.output.empty());
  CHECK(deaf.dropped == 500'000);
}

BACKEND_TEST("run_child ends a program, and all it started, when its time is over") {
  if (refused(rig)) return;
  Runner runner(rig);
  RunSpec spec = runner.spec({"grandchild", "60000", "60000"});
  // Time enough to start, where starting a program takes its time.
  spec.timeout = rig.name() == "iocp" ? 5s : 400ms;
  const TimePoint started = runner.reactor.clock();
  const RunResult result = runner.run(spec);
  CHECK(result.end == RunEnd::timed_out);
  CHECK_FALSE(result.succeeded());
  CHECK_FALSE(result.status.success());
  CHECK(result.output == "started\n");
  CHECK(result.took >= 390ms);
  CHECK(runner.reactor.clock() - started < 20s);
}

BACKEND_TEST("run_child leaves a program alone that ends in time") {
  if (refused(rig)) return;
  Runner runner(rig);
  RunSpec spec = runner.spec({"sleep", "20"});
  spec.timeout = 30s;
  const RunResult result = runner.run(spec);
  CHECK(result.succeeded());
}

BACKEND_TEST("run_child ends a program that nobody wants any more") {
  if (refused(rig)) return;
  Runner runner(rig);
  RunResult result;
  runner.reactor.run(run_and_cancel(runner.reactor, runner.spec({"sleep", "60000"}), 100ms, result));
  CHECK(result.end == RunEnd::cancelled);
  CHECK_FALSE(result.status.success());
  CHECK(result.took < 20s);

  RunResult at_once;  // it is being started
  runner.reactor.run(run_and_cancel(runner.reactor, runner.spec({"sleep", "60000"}), 0ms, at_once));
  CHECK(at_once.end == RunEnd::cancelled);
  CHECK(at_once.took < 20s);

  CancelSource source;
  source.cancel();
  const RunResult never = runner.run(runner.spec({"exit", "0"}), source.token());
  CHECK(never.end == RunEnd::cancelled);
  CHECK(never.took.count() == 0);
}

BACKEND_TEST("run_child ends what a program leaves running in its group") {
  if (refused(rig)) return;
  Runner runner(rig);
  const RunResult result = runner.run(runner.spec({"grandchild", "60000", "0"}));
  CHECK(result.end == RunEnd::exited);
  CHECK(result.succeeded());
  CHECK(result.output == "started\n");
  CHECK(result.took < 20s);
}

BACKEND_TEST("run_child does not wait for what has left the group with the pipe", systems) {
  if (refused(rig)) return;
  Runner runner(rig);
  const TimePoint started = runner.reactor.clock();
  const RunResult result = runner.run(runner.spec({"escaping", "3000", "0"}));
  CHECK(result.succeeded());
  CHECK(result.output == "started\n");
  CHECK(runner.reactor.clock() - started < 2500ms);
}

BACKEND_TEST("run_child leaves no descriptor and no frame", systems) {
  if (refused(rig)) return;
  Runner runner(rig);
  runner.run(runner.spec({"exit", "0"}));
  const std::size_t descriptors = platform::open_descriptors();
  const std::size_t frames = FramePool::live();
  for (int i = 0; i < 20; ++i) runner.run(runner.spec({"say", "a", "b"}));
  CHECK(platform::open_descriptors() == descriptors);
  CHECK(FramePool::live() == frames);
}

BACKEND_TEST("run_child without descriptors says so and leaves nothing", limited_systems) {
  Runner runner(rig);
  // From here on there is a thread for starts: a sanitizer wants a descriptor to look at a new one.
  CHECK(runner.run(runner.spec({"exit", "0"})).succeeded());
  for (std::size_t left = 0; left < 6; ++left) {
    rig.leave_descriptors(left);
    const RunResult result = runner.run(runner.spec({"say", "a", "b"}));
    rig.restore_descriptors();
    if (result.end == RunEnd::not_started) {
      CHECK(result.error.code == Errc::descriptor_limit);
    } else {
      CHECK(result.succeeded());
      CHECK(result.output == "ab");
    }
  }
}

// The trace of the world tells every step, virtual times included.
BACKEND_TEST("run_child is deterministic in the simulator", once) {
  const auto play = [](std::uint64_t seed) {
    sim::SimWorld world(seed);
    world.enable_chances();
    sim::SimProgram program;
    program.out = std::string(200'000, 'x');
    program.takes = 5s;
    world.children().install("check", program);
    program.never_ends = true;
    world.children().install("stuck", program);
    {
      Reactor reactor(world.make_backend());
      for (const char* name : {"check", "stuck"}) {
        RunSpec spec;
        spec.argv = {name};
        spec.timeout = 10s;
        RunResult result;
        reactor.run(run_into(reactor, spec, {}, result));
        CHECK(result.end == (spec.argv[0] == "check" ? RunEnd::exited : RunEnd::timed_out));
        CHECK(result.output.size() + result.dropped == 200'000);
        CHECK(result.took >= (spec.argv[0] == "check" ? 5s : 10s));
        CHECK(result.took < 11s);
      }
    }
    CHECK(world.children().started() == 2);
    CHECK(world.children().processes() == 0);
    CHECK(world.open_handles() == 0);
    return world.trace_hash();
  };
  for (std::uint64_t seed = 1; seed < 20; ++seed) CHECK(play(seed) == play(seed));
  CHECK(play(1) != play(2));
}
