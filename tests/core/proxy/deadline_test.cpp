// Deadline: what it calls late, and when, on a simulated clock.
#include "core/proxy/deadline.hpp"

#include <vector>

#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/lent_timer.hpp"
#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

using namespace std::chrono_literals;

// Writes down what was late and when, in whole milliseconds since the start.
class Watched final : private Deadline::Watcher, private Deadline::Reminded {
 public:
  struct Call {
    Late what;
    std::int64_t at;
    bool operator==(const Call&) const = default;
  };

  Watched() : world(1), reactor(world.make_backend()), start(world.now()), deadline(reactor, timer) {
    world.drive(reactor);
    timer.lend_to(deadline);
    deadline.set_watcher(this);
  }
  ~Watched() {
    reactor.timers().disarm(timer);
    world.release(reactor);
  }

  void run_for(Duration span) { world.run_for(span); }
  void remind(Duration in) { deadline.remind(in, *this); }
  void progress() { moved_at = world.now(); }

  sim::SimWorld world;
  Reactor reactor;
  TimePoint start;
  sim::LentTimer timer;
  Deadline deadline;
  std::vector<Call> calls;
  std::vector<std::int64_t> reminders;
  TimePoint moved_at{};
  Duration rearm{};  // enters the same phase again when it is late

 private:
  void late(Late what) noexcept override {
    calls.push_back({what, since_start()});
    if (rearm != Duration{}) deadline.enter(deadline.phase(), rearm);
  }
  TimePoint last_progress() const noexcept override { return moved_at; }
  void reminded() noexcept override { reminders.push_back(since_start()); }
  std::int64_t since_start() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(reactor.now() - start).count();
  }
};

// A timer fires in the tick behind its deadline: within two milliseconds of it, never before.
void check_call(const Watched::Call& call, Late what, std::int64_t at) {
  CHECK(call.what == what);
  CHECK(call.at >= at);
  CHECK(call.at <= at + 3);
}

}  // namespace

TEST_CASE("a phase is late once, when its time is over", "[deadline]") {
  const Phase phase = GENERATE(Phase::head, Phase::connect, Phase::first_byte, Phase::body, Phase::tunnel);
  Watched watched;
  watched.deadline.enter(phase, 100ms);
  CHECK(watched.deadline.phase() == phase);
  watched.run_for(99ms);
  CHECK(watched.calls.empty());
  watched.run_for(10s);
  REQUIRE(watched.calls.size() == 1);
  check_call(watched.calls[0], Late::phase, 100);
}

TEST_CASE("a phase without a limit lasts for ever", "[deadline]") {
  Watched watched;
  watched.deadline.enter(Phase::first_byte, 0s);
  watched.run_for(std::chrono::hours{1000});
  CHECK(watched.calls.empty());
}

TEST_CASE("the next phase takes the place of the last", "[deadline]") {
  Watched watched;
  watched.deadline.enter(Phase::connect, 100ms);
  watched.run_for(50ms);
  watched.deadline.enter(Phase::first_byte, 300ms);
  watched.run_for(10s);
  REQUIRE(watched.calls.size() == 1);
  check_call(watched.calls[0], Late::phase, 350);
}

TEST_CASE("progress extends the idle phases, and only them", "[deadline]") {
  const Phase phase = GENERATE(Phase::head, Phase::connect, Phase::first_byte, Phase::body, Phase::tunnel);
  const bool idle = phase == Phase::body || phase == Phase::tunnel;
  Watched watched;
  watched.deadline.enter(phase, 100ms);
  for (int i = 0; i < 5; ++i) {
    watched.run_for(60ms);
    watched.progress();  // the last time at 300 ms
  }
  watched.run_for(10s);
  REQUIRE(watched.calls.size() == 1);
  check_call(watched.calls[0], Late::phase, idle ? 400 : 100);
}

TEST_CASE("progress from before the phase does not shorten it", "[deadline]") {
  Watched watched;
  watched.progress();
  watched.run_for(50ms);
  watched.deadline.enter(Phase::body, 100ms);
  watched.run_for(10s);
  REQUIRE(watched.calls.size() == 1);
  check_call(watched.calls[0], Late::phase, 150);
}

TEST_CASE("the whole exchange ends by its time, whatever moves", "[deadline]") {
  Watched watched;
  watched.deadline.set_total(watched.start + 250ms);
  watched.deadline.enter(Phase::body, 100ms);
  for (int i = 0; i < 10; ++i) {
    watched.run_for(40ms);
    watched.progress();
  }
  REQUIRE(watched.calls.size() == 1);
  check_call(watched.calls[0], Late::total, 250);
}

TEST_CASE("the total outlives its phases until it is taken back", "[deadline]") {
  Watched watched;
  watched.deadline.set_total(watched.start + 250ms);
  watched.deadline.enter(Phase::connect, 100ms);
  watched.run_for(50ms);
  watched.deadline.enter(Phase::first_byte, 0s);
  SECTION("it is late in a phase that has no limit") {
    watched.run_for(10s);
    REQUIRE(watched.calls.size() == 1);
    check_call(watched.calls[0], Late::total, 250);
  }
  SECTION("taken back, it is not late any more") {
    watched.deadline.set_total(TimePoint::max());
    watched.deadline.enter(Phase::body, 0s);
    watched.run_for(10s);
    CHECK(watched.calls.empty());
  }
}

TEST_CASE("a phase that is entered when the total was late has its own time", "[deadline]") {
  Watched watched;
  watched.deadline.set_total(watched.start + 100ms);
  watched.rearm = 200ms;
  watched.deadline.enter(Phase::first_byte, 10s);
  watched.run_for(150ms);
  REQUIRE(watched.calls.size() == 1);
  check_call(watched.calls[0], Late::total, 100);
  watched.rearm = {};
  watched.run_for(10s);
  REQUIRE(watched.calls.size() == 2);
  check_call(watched.calls[1], Late::phase, 300);
}

TEST_CASE("a half-closed client is given up at its time", "[deadline]") {
  Watched watched;
  watched.deadline.enter(Phase::first_byte, 10s);
  watched.run_for(50ms);
  watched.deadline.give_up_at(watched.world.now() + 100ms);
  SECTION("unless its answer begins") {
    watched.deadline.forget_half_close();
    watched.deadline.enter(Phase::body, 0s);
    watched.run_for(20s);
    CHECK(watched.calls.empty());
  }
  SECTION("even if a new phase has begun, one of another attempt") {
    watched.deadline.enter(Phase::connect, 10s);
    watched.run_for(1s);
    REQUIRE_FALSE(watched.calls.empty());
    check_call(watched.calls[0], Late::half_closed, 150);
  }
  SECTION("the phase may be over sooner") {
    watched.deadline.enter(Phase::connect, 20ms);
    watched.run_for(90ms);
    REQUIRE(watched.calls.size() == 1);
    check_call(watched.calls[0], Late::phase, 70);
  }
}

TEST_CASE("a reminder comes once, and what the phase waits for stays armed", "[deadline]") {
  Watched watched;
  watched.remind(50ms);
  watched.deadline.enter(Phase::first_byte, 200ms);
  watched.run_for(100ms);
  REQUIRE(watched.reminders.size() == 1);
  CHECK(watched.reminders[0] >= 50);
  CHECK(watched.reminders[0] <= 53);
  CHECK(watched.calls.empty());
  watched.run_for(10s);
  CHECK(watched.reminders.size() == 1);
  REQUIRE(watched.calls.size() == 1);
  check_call(watched.calls[0], Late::phase, 200);
}

TEST_CASE("a reminder that was taken back does not come", "[deadline]") {
  Watched watched;
  watched.remind(50ms);
  watched.deadline.enter(Phase::first_byte, 200ms);
  watched.deadline.forget_reminder();
  watched.run_for(10s);
  CHECK(watched.reminders.empty());
  CHECK(watched.calls.size() == 1);
}

TEST_CASE("the watcher may start the next phase when it is told", "[deadline]") {
  Watched watched;
  watched.rearm = 100ms;
  watched.deadline.enter(Phase::head, 100ms);
  watched.run_for(350ms);
  REQUIRE(watched.calls.size() == 3);
  check_call(watched.calls[0], Late::phase, 100);
  CHECK(watched.calls[1].at >= watched.calls[0].at + 100);
  CHECK(watched.calls[2].at >= watched.calls[1].at + 100);
}

}  // namespace weir::proxy::test
