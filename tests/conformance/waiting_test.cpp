// Lines 8 and 9: a wait is never early, a wake is never lost.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/base/rng.hpp"
#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

BACKEND_TEST("a wait does not return before its deadline") {
  Rng rng(1);
  for (int round = 0; round < 50; ++round) {
    const TimePoint deadline = rig.backend().now() + Duration{static_cast<std::int64_t>(rng.below(2'500'000))};
    CHECK(rig.wait(deadline) == 0);
    CHECK(rig.backend().now() >= deadline);
  }
}

BACKEND_TEST("a wait with a deadline in the past returns at once, also with ops in flight") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  char memory[8];
  Flight reading(server, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(reading) == Submit::pending);
  for (int round = 0; round < 100; ++round) CHECK(rig.wait(TimePoint{}) == 0);
  CHECK_FALSE(reading.ended());
  rig.cancel(reading);
  rig.finish(reading);
}

BACKEND_TEST("an event that nobody waits for does not end a wait, and is not forgotten") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  char memory[8];
  Flight reading(server, OpKind::recv);  // so that the backend watches the handle
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(reading) == Submit::pending);
  rig.cancel(reading);
  rig.finish(reading);
  CHECK(rig.send_all(client, "x") == 1);
  const TimePoint deadline = rig.backend().now() + std::chrono::milliseconds{20};
  CHECK(rig.wait(deadline) == 0);
  CHECK(rig.backend().now() >= deadline);
  CHECK(rig.receive(server, 1) == "x");
}

BACKEND_TEST("a completion ends a wait that has no deadline") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  char memory[8];
  Flight reading(server, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(reading) == Submit::pending);
  const IoSlice slice(std::string_view("x"));
  Flight sending(client, OpKind::send);
  sending.slices = {&slice, 1};
  rig.submit(sending);
  while (!reading.ended()) CHECK(rig.wait(TimePoint::max()) > 0);
  if (!sending.ended()) rig.finish(sending);
}

BACKEND_TEST("a wake before the wait ends it, once") {
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i <= round % 3; ++i) rig.backend().wake();
    CHECK(rig.wait(TimePoint::max()) == 0);
  }
  const TimePoint deadline = rig.backend().now() + std::chrono::milliseconds{2};
  CHECK(rig.wait(deadline) == 0);
  CHECK(rig.backend().now() >= deadline);  // no wake was left over
}

BACKEND_TEST("a wake from another thread is never lost between check and sleep") {
  constexpr int rounds = 400;  // each is two thread switches, which a loaded machine takes its time for
  std::atomic<int> posted{0};
  std::mutex mutex;
  std::condition_variable changed;
  int seen = 0;  // under the mutex
  Backend& backend = rig.backend();
  std::thread other([&] {
    for (int round = 1; round <= rounds; ++round) {
      posted.store(round, std::memory_order_release);
      backend.wake();
      if (round % 3 == 0) backend.wake();  // may hit the waiter's next round
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return seen == round; });
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    while (posted.load(std::memory_order_acquire) < round) rig.wait(TimePoint::max());
    const std::lock_guard lock(mutex);
    seen = round;
    changed.notify_one();
  }
  other.join();
  CHECK(seen == rounds);
}

BACKEND_TEST("wakes from several threads at once coalesce and all arrive") {
  constexpr int threads = 3;
  constexpr int each = 2000;
  std::atomic<int> done{0};
  Backend& backend = rig.backend();
  std::vector<std::thread> wakers;
  for (int i = 0; i < threads; ++i) {
    wakers.emplace_back([&] {
      for (int n = 0; n < each; ++n) {
        done.fetch_add(1, std::memory_order_release);
        backend.wake();
      }
    });
  }
  while (done.load(std::memory_order_acquire) < threads * each) rig.wait(TimePoint::max());
  for (std::thread& waker : wakers) waker.join();
  CHECK(done == threads * each);
}
