#include "core/coro/scope.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include "core/coro/event.hpp"
#include "tests/support/coroutines.hpp"

using namespace weir;
using namespace weir::test;

namespace {

Task<void> count_after(int rounds, int& ended) {
  for (int i = 0; i < rounds; ++i) {
    Yield yield;
    co_await yield;
  }
  ++ended;
}

Task<void> throw_after(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    Yield yield;
    co_await yield;
  }
  throw std::runtime_error("child failed");
}

// Ends when its token is cancelled.
struct UntilCancelled : CancelCallback, Resumable {
  explicit UntilCancelled(CancelToken t) noexcept
      : CancelCallback([](CancelCallback& callback) noexcept {
          RunQueue::current().push(static_cast<UntilCancelled&>(callback));
        }),
        token(t) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle = waiter;
    token.subscribe(*this);
  }
  void await_resume() const noexcept {}
  CancelToken token;
};

Task<void> wait_for_cancel(CancelToken token, int& ended) {
  UntilCancelled until(token);
  co_await until;
  ++ended;
}

}  // namespace

TEST_CASE("a child that ends at once is gone when spawn returns", "[scope]") {
  Bench bench;
  int ended = 0;
  Scope scope;
  scope.spawn(count_after(0, ended));
  CHECK(ended == 1);
  CHECK(scope.live() == 0);
  CHECK(FramePool::live() == 0);
}

TEST_CASE("join waits for every child", "[scope]") {
  struct Calls {
    static Task<void> main(int& ended, std::size_t& live_frames) {
      Scope scope;
      for (int rounds = 0; rounds < 5; ++rounds) scope.spawn(count_after(rounds, ended));
      CHECK(scope.live() == 4);
      co_await scope.join();
      live_frames = FramePool::live();
      CHECK(ended == 5);
      co_await scope.join();
    }
  };
  Bench bench;
  int ended = 0;
  std::size_t live_frames = 0;
  bench.run(Calls::main(ended, live_frames));
  CHECK(ended == 5);
  // Only the joiner's own: the last child's frame was freed before the joiner went on.
  CHECK(live_frames == 1);
}

TEST_CASE("the joiner is not resumed from within the last child", "[scope]") {
  struct Calls {
    static Task<void> main(Scope& scope, bool& joined) {
      co_await scope.join();
      joined = true;
    }
  };
  Bench bench;
  Scope inner;
  Scope outer;
  int ended = 0;
  bool joined = false;
  inner.spawn(count_after(1, ended));
  outer.spawn(Calls::main(inner, joined));
  CHECK(RunQueue::current().drain() == 1);
  CHECK(ended == 1);
  CHECK_FALSE(joined);
  CHECK(RunQueue::current().drain() == 1);
  CHECK(joined);
}

TEST_CASE("a child may spawn siblings while somebody joins", "[scope]") {
  struct Calls {
    static Task<void> chain(Scope& scope, int left, int& ended) {
      Yield yield;
      co_await yield;
      if (left > 0) scope.spawn(chain(scope, left - 1, ended));
      ++ended;
    }
    static Task<void> main(int& ended) {
      Scope scope;
      scope.spawn(chain(scope, 9, ended));
      co_await scope.join();
    }
  };
  Bench bench;
  int ended = 0;
  bench.run(Calls::main(ended));
  CHECK(ended == 10);
}

TEST_CASE("cancelling a scope asks every child, and join waits until they have ended", "[scope][cancel]") {
  struct Calls {
    static Task<void> main(int& ended) {
      Scope scope;
      for (int i = 0; i < 3; ++i) scope.spawn(wait_for_cancel(scope.token(), ended));
      Yield yield;
      co_await yield;
      CHECK(ended == 0);
      scope.cancel();
      CHECK(ended == 0);
      co_await scope.join();
    }
  };
  Bench bench;
  int ended = 0;
  bench.run(Calls::main(ended));
  CHECK(ended == 3);
}

TEST_CASE("a child spawned into a cancelled scope is told at once", "[scope][cancel]") {
  Bench bench;
  int ended = 0;
  Scope scope;
  scope.cancel();
  scope.spawn(wait_for_cancel(scope.token(), ended));
  bench.drain();
  CHECK(ended == 1);
}

TEST_CASE("what escapes from a child goes to the sink, and the others go on", "[scope]") {
  struct Sink {
    static void note(void* to, std::exception_ptr what) noexcept {
      try {
        std::rethrow_exception(what);
      } catch (const std::exception& exception) {
        static_cast<std::vector<std::string>*>(to)->emplace_back(exception.what());
      }
    }
  };
  Bench bench;
  std::vector<std::string> escaped;
  const std::uint64_t before = Scope::escaped();
  int ended = 0;
  Scope scope(Sink::note, &escaped);
  scope.spawn(throw_after(0));
  scope.spawn(throw_after(2));
  scope.spawn(count_after(3, ended));
  bench.drain();
  CHECK(escaped == std::vector<std::string>{"child failed", "child failed"});
  CHECK(ended == 1);
  CHECK(Scope::escaped() == before + 2);
}

TEST_CASE("a callback is called once, and not at all after it was destroyed", "[cancel]") {
  struct Counting : CancelCallback {
    Counting() noexcept
        : CancelCallback([](CancelCallback& callback) noexcept { ++static_cast<Counting&>(callback).calls; }) {}
    int calls = 0;
  };
  CancelSource source;
  const CancelToken token = source.token();
  Counting kept;
  token.subscribe(kept);
  {
    Counting dropped;
    token.subscribe(dropped);
  }
  CHECK_FALSE(token.cancelled());
  source.cancel();
  source.cancel();
  CHECK(token.cancelled());
  CHECK(kept.calls == 1);

  Counting late;
  token.subscribe(late);
  CHECK(late.calls == 1);
}

TEST_CASE("a callback may destroy another one of the same source", "[cancel]") {
  struct Dropper : CancelCallback {
    Dropper() noexcept
        : CancelCallback([](CancelCallback& callback) noexcept { static_cast<Dropper&>(callback).other.reset(); }) {}
    std::unique_ptr<CancelCallback> other;
  };
  static int calls = 0;
  calls = 0;
  CancelSource source;
  Dropper dropper;
  dropper.other = std::make_unique<CancelCallback>([](CancelCallback&) noexcept { ++calls; });
  source.token().subscribe(dropper);
  source.token().subscribe(*dropper.other);
  source.cancel();
  CHECK(calls == 0);
}

TEST_CASE("a token without a source is never cancelled", "[cancel]") {
  struct Ignored : CancelCallback {
    Ignored() noexcept : CancelCallback([](CancelCallback&) noexcept {}) {}
  } callback;
  const CancelToken token;
  token.subscribe(callback);
  CHECK_FALSE(token.cancelled());
  CHECK_FALSE(callback.linked());
}

TEST_CASE("setting an event lets every waiter go on, in order, but not from within set", "[event]") {
  struct Calls {
    static Task<void> wait(Event& event, std::vector<int>& order, int id) {
      co_await event.wait();
      order.push_back(id);
    }
  };
  Bench bench;
  Event event;
  std::vector<int> order;
  Scope scope;
  for (int id = 1; id <= 3; ++id) scope.spawn(Calls::wait(event, order, id));
  event.set();
  CHECK(order.empty());
  bench.drain();
  CHECK(order == std::vector<int>{1, 2, 3});
  CHECK(event.is_set());

  scope.spawn(Calls::wait(event, order, 4));
  CHECK(order.back() == 4);

  event.reset();
  scope.spawn(Calls::wait(event, order, 5));
  bench.drain();
  CHECK(order.back() == 4);
  event.set();
  bench.drain();
  CHECK(order.back() == 5);
}
