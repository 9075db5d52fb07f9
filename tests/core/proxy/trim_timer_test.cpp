// TrimTimer on simulated time: what a burst leaves behind goes, what is needed stays, and an idle worker sleeps.
#include "core/proxy/trim_timer.hpp"

#include <chrono>

#include "tests/sim/backend/sim_backend.hpp"
#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

using namespace std::chrono_literals;

struct Thing {
  char bytes[64];
};

struct World {
  World() : world(1), reactor(world.make_backend()) { world.drive(reactor); }
  ~World() { world.release(reactor); }

  void burst(std::size_t size) {
    std::vector<Thing*> things;
    for (std::size_t i = 0; i < size; ++i) things.push_back(pool.make());
    for (Thing* thing : things) pool.destroy(thing);
  }

  sim::SimWorld world;
  Reactor reactor;
  ObjectPool<Thing> pool;
  int told = 0;
  TrimTimer trim{reactor, [](void* context) noexcept { ++static_cast<World*>(context)->told; }, this};
};

TEST_CASE("nothing is trimmed without activity", "[trim]") {
  World world;
  world.trim.watch(world.pool, TrimTimer::Worth::yes);
  world.burst(10);
  world.world.run_for(10s);
  CHECK(world.pool.allocated() == 10);
  CHECK(world.told == 0);
}

TEST_CASE("what a burst needed is kept for an interval and given back after the next", "[trim]") {
  World world;
  world.trim.watch(world.pool, TrimTimer::Worth::yes);
  world.burst(10);
  world.trim.note_activity();
  world.world.run_for(500ms);
  CHECK(world.pool.allocated() == 10);
  world.world.run_for(500ms);
  CHECK(world.pool.allocated() == 0);
  CHECK(world.told == 1);
}

TEST_CASE("once all is given back the timer rests", "[trim]") {
  World world;
  world.trim.watch(world.pool, TrimTimer::Worth::yes);
  world.burst(10);
  world.trim.note_activity();
  world.world.run_for(5s);
  CHECK(world.reactor.timers().next_deadline() == TimePoint::max());
}

TEST_CASE("what is in use stays", "[trim]") {
  World world;
  world.trim.watch(world.pool, TrimTimer::Worth::yes);
  Thing* thing = world.pool.make();
  world.burst(10);
  world.trim.note_activity();
  world.world.run_for(2s);
  CHECK(world.pool.allocated() == 1);
  world.pool.destroy(thing);
  world.world.run_for(2s);
  CHECK(world.pool.allocated() == 0);
}

TEST_CASE("of a pool that is not worth it nobody is told", "[trim]") {
  World world;
  world.trim.watch(world.pool, TrimTimer::Worth::no);
  world.burst(10);
  world.trim.note_activity();
  world.world.run_for(5s);
  CHECK(world.pool.allocated() == 0);
  CHECK(world.told == 0);
}

TEST_CASE("the buffers of a burst are given back with its objects", "[trim]") {
  World world;
  world.trim.watch(world.pool, TrimTimer::Worth::no);
  world.burst(1);
  std::vector<Buffer> buffers;
  for (int i = 0; i < 5; ++i) buffers.push_back(world.reactor.buffers().take());
  buffers.clear();
  REQUIRE(world.reactor.buffers().allocated() > 0);
  world.trim.note_activity();
  world.world.run_for(5s);
  CHECK(world.reactor.buffers().allocated() == 0);
  CHECK(world.told == 1);
}

}  // namespace
}  // namespace weir::proxy::test
