// Several reactors may take turns on one thread: what becomes ready on one goes on there.

#include "core/backends/registry.hpp"
#include "core/coro/event.hpp"
#include "core/reactor/awaitables.hpp"
#include "tests/support/catch.hpp"

namespace weir {
namespace {

Task<void> sleep_and_tell(Reactor& reactor, Event& slept) {
  SleepUntil sleep(reactor, reactor.now() + std::chrono::milliseconds(1));
  const bool to_the_end = co_await sleep;
  CHECK(to_the_end);
  slept.set();
}

Task<void> wait_for(Event& event, bool& seen) {
  auto wait = event.wait();
  co_await wait;
  seen = true;
}

}  // namespace

TEST_CASE("a coroutine goes on with the reactor it waited on, not with the one that was made last") {
  Reactor first(*make_backend("auto"));
  Reactor last(*make_backend("auto"));
  Scope scope;
  Event slept;
  bool seen = false;
  scope.spawn(wait_for(slept, seen));
  scope.spawn(sleep_and_tell(first, slept));
  for (int turns = 0; !seen && turns < 100; ++turns) first.turn(first.clock() + std::chrono::milliseconds(50));
  CHECK(seen);
  CHECK(scope.live() == 0);
}

}  // namespace weir
