// The timer wheel against the plainest model there is: every armed timer with its deadline in a map.

#include "core/reactor/timers.hpp"

#include <map>
#include <memory>
#include <vector>

#include "core/base/rng.hpp"
#include "tests/support/catch.hpp"

using namespace weir;
using namespace std::chrono_literals;

namespace {

constexpr Duration tick{std::int64_t{1} << Timers::tick_shift};

struct Noted : Timer {
  Noted() : Timer([](Timer& timer) noexcept { static_cast<Noted&>(timer).note(); }) {}
  void note() {
    ++fired;
    armed_when_fired = armed();
    if (log) log->push_back(this);
    if (then) then(*this);
  }
  int fired = 0;
  bool armed_when_fired = false;
  std::vector<Noted*>* log = nullptr;
  void (*then)(Noted&) = nullptr;
  Timers* timers = nullptr;
  Noted* other = nullptr;
  TimePoint again;
};

constexpr TimePoint start{123'456'789'012};

}  // namespace

TEST_CASE("a wheel without timers has no deadline and fires nothing") {
  Timers timers(start);
  CHECK(timers.next_deadline() == TimePoint::max());
  CHECK(timers.expire(start + 24h) == 0);
}

TEST_CASE("a timer fires once, disarmed, not before its deadline and at most a tick after it") {
  for (const Duration after : {Duration{0}, Duration{1}, tick, tick + Duration{1}, tick * 63, tick * 64, tick * 65,
                               tick * 4096, Duration{10s}, Duration{24h * 400}}) {
    CAPTURE(after.count());
    Timers timers(start);
    Noted timer;
    const TimePoint deadline = start + after;
    timers.arm(timer, deadline);
    CHECK(timer.armed());
    if (after.count() > 0) CHECK(timers.expire(start + (after - Duration{1})) == 0);
    CHECK(timers.expire(deadline + tick) == 1);
    CHECK(timer.fired == 1);
    CHECK_FALSE(timer.armed_when_fired);
    CHECK_FALSE(timer.armed());
    CHECK(timers.next_deadline() == TimePoint::max());
    CHECK(timers.expire(deadline + 24h) == 0);
  }
}

TEST_CASE("sleeping until next_deadline each time fires every timer in time") {
  Timers timers(start);
  Rng rng(1);
  std::vector<std::unique_ptr<Noted>> all;
  TimePoint last = start;
  for (int i = 0; i < 500; ++i) {
    all.push_back(std::make_unique<Noted>());
    const TimePoint deadline =
        start + Duration{static_cast<std::int64_t>(rng.below(std::uint64_t{1} << (10 + i % 40)))};
    timers.arm(*all.back(), deadline);
    last = std::max(last, deadline);
  }
  std::vector<TimePoint> deadlines;
  for (const auto& timer : all) deadlines.push_back(timer->deadline());
  TimePoint now = start;
  std::size_t left = all.size();
  int wakes = 0;
  while (left > 0) {
    const TimePoint next = timers.next_deadline();
    REQUIRE(next <= last + tick);
    now = std::max(now, next);
    left -= timers.expire(now);
    ++wakes;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i]->fired == 0) {
        REQUIRE(deadlines[i] + tick > now);
      } else {
        REQUIRE(deadlines[i] <= now);
      }
    }
  }
  CHECK(wakes <= static_cast<int>(all.size()) * 8);  // a timer is moved down at most once a level
  CHECK(timers.next_deadline() == TimePoint::max());
}

TEST_CASE("random arms, re-arms and disarms agree with a map of deadlines") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Rng rng(seed);
    Timers timers(start);
    std::vector<std::unique_ptr<Noted>> all;
    std::vector<Noted*> log;
    for (int i = 0; i < 60; ++i) {
      all.push_back(std::make_unique<Noted>());
      all.back()->log = &log;
    }
    std::multimap<std::int64_t, Noted*> model;
    const auto forget = [&](Noted* timer) {
      for (auto at = model.begin(); at != model.end(); ++at) {
        if (at->second == timer) return void(model.erase(at));
      }
    };
    TimePoint now = start;
    for (int step = 0; step < 2000; ++step) {
      Noted* timer = all[rng.below(all.size())].get();
      const std::uint64_t range = std::uint64_t{1} << rng.between(1, 45);
      switch (rng.below(4)) {
        case 0:
        case 1: {  // re-arming later is the common case, earlier and in the past happen
          const TimePoint deadline{now.ns + static_cast<std::int64_t>(rng.below(range)) - (rng.chance(0.1) ? 5000 : 0)};
          timers.arm(*timer, deadline);
          forget(timer);
          model.emplace(deadline.ns, timer);
          break;
        }
        case 2:
          if (rng.chance(0.5)) {
            timers.disarm(*timer);
          } else {
            timers.arm(*timer, TimePoint::max());
          }
          forget(timer);
          break;
        default: {
          now = now + Duration{static_cast<std::int64_t>(rng.below(range))};
          log.clear();
          timers.expire(now);
          for (Noted* fired : log) {
            bool found = false;
            for (const auto& [deadline, owner] : model) found |= owner == fired && deadline <= now.ns;
            REQUIRE(found);
            forget(fired);
          }
          // Whatever is a whole tick late must have fired.
          if (!model.empty()) REQUIRE(model.begin()->first + tick.count() > now.ns);
        }
      }
      for (const auto& [deadline, owner] : model) {
        REQUIRE(owner->armed());
        REQUIRE(owner->deadline().ns == deadline);
      }
      if (model.empty()) {
        REQUIRE(timers.next_deadline() == TimePoint::max());
      } else {
        REQUIRE(timers.next_deadline().ns < model.begin()->first + tick.count());
      }
    }
  }
}

TEST_CASE("timers fire in the order of their ticks") {
  Timers timers(start);
  Rng rng(3);
  std::vector<std::unique_ptr<Noted>> all;
  std::vector<Noted*> log;
  std::map<Noted*, TimePoint> deadlines;
  for (int i = 0; i < 300; ++i) {
    all.push_back(std::make_unique<Noted>());
    all.back()->log = &log;
    const TimePoint first = start + Duration{static_cast<std::int64_t>(rng.below(10'000'000'000))};
    timers.arm(*all.back(), first);
    const TimePoint moved = first + Duration{static_cast<std::int64_t>(rng.below(1'000'000'000))};
    if (rng.chance(0.5)) timers.arm(*all.back(), moved);  // filed at one place, due at another
    deadlines[all.back().get()] = all.back()->deadline();
  }
  CHECK(timers.expire(start + 20s) == all.size());
  for (std::size_t i = 1; i < log.size(); ++i) {
    REQUIRE(deadlines[log[i - 1]].ns < deadlines[log[i]].ns + tick.count());
  }
}

TEST_CASE("a timer that arms itself again in the past waits for the next call") {
  Timers timers(start);
  Noted timer;
  timer.timers = &timers;
  timer.again = start;
  timer.then = [](Noted& self) { self.timers->arm(self, self.again); };
  timers.arm(timer, start);
  for (int call = 1; call <= 5; ++call) {
    CHECK(timers.expire(start + tick * 2) == 1);
    CHECK(timer.fired == call);
    CHECK(timers.next_deadline() <= start + tick * 2);
  }
  timers.disarm(timer);
}

TEST_CASE("a callback may disarm, move or destroy other timers that are due with it") {
  Timers timers(start);
  Noted first, disarmed, moved;
  auto destroyed = std::make_unique<Noted>();
  static Noted* to_disarm;
  static Noted* to_move;
  static std::unique_ptr<Noted>* to_destroy;
  to_disarm = &disarmed;
  to_move = &moved;
  to_destroy = &destroyed;
  first.timers = &timers;
  first.then = [](Noted& self) {
    self.timers->disarm(*to_disarm);
    self.timers->arm(*to_move, start + 10s);
    to_destroy->reset();
  };
  timers.arm(first, start + 1ms);
  timers.arm(disarmed, start + 1ms);
  timers.arm(moved, start + 1ms);
  timers.arm(*destroyed, start + 1ms);
  CHECK(timers.expire(start + 1s) == 1);
  CHECK(disarmed.fired == 0);
  CHECK(moved.fired == 0);
  CHECK(moved.armed());
  CHECK(timers.expire(start + 11s) == 1);
  CHECK(moved.fired == 1);
}

TEST_CASE("a timer that is destroyed while armed is gone") {
  Timers timers(start);
  {
    Noted timer;
    timers.arm(timer, start + 1s);
    CHECK(timers.next_deadline() != TimePoint::max());
  }
  CHECK(timers.next_deadline() == TimePoint::max());
  CHECK(timers.expire(start + 2s) == 0);
}

TEST_CASE("deadlines beyond every level and at the end of time are kept") {
  Timers timers(start);
  Noted far, farthest;
  timers.arm(far, start + 24h * 365 * 100);
  timers.arm(farthest, TimePoint{INT64_MAX - 1});
  CHECK(timers.expire(start + 24h * 365 * 99) == 0);
  CHECK(timers.expire(start + 24h * 365 * 101) == 1);
  CHECK(far.fired == 1);
  CHECK(farthest.armed());
  timers.disarm(farthest);
}
