// Does this compiler, at this optimisation level and with this sanitizer, compile the coroutines that weir writes?
// One test for each known bug; where the house rules (core/coro/README.md) steer around one, the form they ask for.

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/coroutines.hpp"

using namespace weir;
using namespace weir::test;

namespace {

Task<int> answer() { co_return 42; }

Task<int> answer_later() {
  Yield yield;
  co_await yield;
  co_return 42;
}

Task<int> add(int a, int b) {
  const int sum = a + b;
  co_return sum;
}

Task<void> nothing() { co_return; }

Task<void> await_only() { co_await nothing(); }

Task<int> value_of(const Counted& counted) {
  const int value = counted.value;
  co_return value;
}

Task<int> value_of_later(const Counted& counted) {
  Yield yield;
  co_await yield;
  co_return counted.value;
}

Task<int> take(Counted counted) {
  Yield yield;
  co_await yield;
  co_return counted.value;
}

Task<Counted> make_counted(int value) {
  Counted made(value);
  co_return made;
}

template <class Function>
Task<int> call_later(const Function& function) {
  Yield yield;
  co_await yield;
  const int result = function();
  co_return result;
}

template <class T>
Task<std::unique_ptr<T>> boxed(T value) {
  if (value < 0) co_return nullptr;
  auto box = std::make_unique<T>(value);
  Yield yield;
  co_await yield;
  co_return box;
}

}  // namespace

TEST_CASE("probe: a task without named locals runs and is freed", "[probe]") {
  // Only the forms without an awaited value are relied upon; tasks that await keep a named local by house rule 1.
  Bench bench;
  bench.run(nothing());
  bench.run(await_only());
}

TEST_CASE("probe: a lambda that is made first can be an argument of an awaited call", "[probe]") {
  struct Calls {
    static Task<int> apply(int (*function)(int, const Counted&), const Counted& counted) {
      const int result = function(1, counted);
      co_return result;
    }
    static Task<void> main(int& out) {
      const Counted counted(41);
      const auto function = [](int a, const Counted& c) { return a + c.value; };
      out = co_await apply(function, counted);
    }
  };
  Bench bench;
  int out = 0;
  bench.run(Calls::main(out));
  CHECK(out == 42);
}

TEST_CASE("probe: a capturing lambda that is a named local can be called by a child", "[probe]") {
  struct Calls {
    static Task<void> main(int& out) {
      const Counted counted(42);
      const auto function = [counted] { return counted.value; };
      const int result = co_await call_later(function);
      out = result;
    }
  };
  Bench bench;
  int out = 0;
  bench.run(Calls::main(out));
  CHECK(out == 42);
  CHECK(Counted::made == 2);
}

TEST_CASE("probe: temporaries of an awaited full expression are destroyed once, after the child has ended", "[probe]") {
  // The house rules forbid these temporaries; the test tells when the prohibition has become superstition.
  struct Calls {
    static Task<void> main(int& a, int& b) {
      a = co_await value_of(Counted(7));
      b = co_await value_of_later(Counted(8));
      CHECK(Counted::live == 0);
    }
  };
  Bench bench;
  int a = 0;
  int b = 0;
  bench.run(Calls::main(a, b));
  CHECK(a == 7);
  CHECK(b == 8);
  CHECK(Counted::made == 2);
}

TEST_CASE("probe: named arguments of an awaited call are destroyed once", "[probe]") {
  struct Calls {
    static Task<void> main(int& out) {
      const Counted first(7);
      const int a = co_await value_of_later(first);
      Counted second(8);
      const int b = co_await take(std::move(second));
      const int c = co_await take(first);
      out = a * 100 + b * 10 + c;
    }
  };
  Bench bench;
  int out = 0;
  bench.run(Calls::main(out));
  CHECK(out == 787);
}

TEST_CASE("probe: a string made for the call lives as long as a child that takes it by value", "[probe]") {
  struct Calls {
    static Task<std::size_t> length(std::string text, int times) {
      for (int i = 0; i < times; ++i) {
        Yield yield;
        co_await yield;
      }
      co_return text.size();
    }
    static Task<void> main(std::size_t& out) {
      std::string text(1000, 'x');
      out = co_await length(std::move(text), 3);
    }
  };
  Bench bench;
  std::size_t out = 0;
  bench.run(Calls::main(out));
  CHECK(out == 1000);
}

TEST_CASE("probe: an awaited call is evaluated once", "[probe]") {
  // REQUIRE(co_await x) evaluates x twice with GCC: the result gets a name first.
  struct Calls {
    static Task<int> counted_call(int& calls) {
      const int before = calls++;
      co_return before;
    }
    static Task<void> main(int& calls) {
      const int before = co_await counted_call(calls);
      REQUIRE(before == 0);
    }
  };
  Bench bench;
  int calls = 0;
  bench.run(Calls::main(calls));
  CHECK(calls == 1);
}

TEST_CASE("probe: a task does nothing before it is awaited", "[probe]") {
  struct Calls {
    static Task<void> mark(bool& started) {
      started = true;
      co_return;
    }
    static Task<void> main(bool& started) {
      Task<void> later = mark(started);
      CHECK_FALSE(started);
      co_await later;
      CHECK(started);
    }
  };
  Bench bench;
  bool started = false;
  bench.run(Calls::main(started));
}

TEST_CASE("probe: 100 000 awaits that end at once do not deepen the stack", "[probe]") {
  struct Calls {
    static Task<void> main(std::int64_t& sum) {
      for (int i = 0; i < 100'000; ++i) {
        const int got = co_await answer();
        sum += got;
      }
    }
  };
  Bench bench;
  std::int64_t sum = 0;
  bench.run(Calls::main(sum));
  CHECK(sum == 4'200'000);
}

TEST_CASE("probe: nested loops of awaits that end at once do not deepen the stack", "[probe]") {
  struct Calls {
    static Task<std::int64_t> inner() {
      std::int64_t sum = 0;
      for (int i = 0; i < 500; ++i) {
        const int got = co_await add(i, 1);
        sum += got;
      }
      co_return sum;
    }
    static Task<std::int64_t> middle() {
      std::int64_t sum = 0;
      for (int i = 0; i < 20; ++i) {
        const std::int64_t got = co_await inner();
        sum += got;
      }
      co_return sum;
    }
    static Task<void> main(std::int64_t& sum) {
      for (int i = 0; i < 20; ++i) {
        const std::int64_t got = co_await middle();
        sum += got;
      }
    }
  };
  Bench bench;
  std::int64_t sum = 0;
  bench.run(Calls::main(sum));
  CHECK(sum == std::int64_t{400} * 125'250);
}

TEST_CASE("probe: 100 000 awaits that suspend, or now and then do, do not deepen the stack", "[probe]") {
  struct Calls {
    static Task<int> sometimes(int i) {
      Yield yield;
      if (i % 3 == 0) co_await yield;
      co_return i;
    }
    static Task<int> through(int i) {
      const int got = co_await sometimes(i);
      co_return got;
    }
    static Task<void> main(std::int64_t& sum) {
      for (int i = 0; i < 100'000; ++i) {
        const int later = co_await answer_later();
        const int got = co_await through(i);
        sum += later + got;
      }
    }
  };
  Bench bench;
  std::int64_t sum = 0;
  bench.run(Calls::main(sum));
  CHECK(sum == 4'200'000 + std::int64_t{99'999} * 50'000);
}

TEST_CASE("probe: a throw before the first suspension reaches the awaiting task", "[probe]") {
  struct Calls {
    static Task<int> thrower(Counted by_value) {
      const Counted local(by_value.value);
      throw std::runtime_error("early");
      co_return local.value;
    }
    static Task<void> main(std::string& caught) {
      const Counted argument(1);
      try {
        const int got = co_await thrower(argument);
        caught = std::to_string(got);
      } catch (const std::runtime_error& error) { caught = error.what(); }
      const int after = co_await answer_later();
      CHECK(after == 42);
    }
  };
  Bench bench;
  std::string caught;
  bench.run(Calls::main(caught));
  CHECK(caught == "early");
}

TEST_CASE("probe: a throw after a suspension crosses three tasks and destroys each local once", "[probe]") {
  struct Calls {
    static Task<int> thrower() {
      const Counted local(1);
      Yield yield;
      co_await yield;
      throw std::runtime_error("late");
      co_return local.value;
    }
    static Task<int> middle(Counted by_value) {
      const Counted local(2);
      const int got = co_await thrower();
      co_return got + local.value + by_value.value;
    }
    static Task<void> main() {
      Counted argument(3);
      const int got = co_await middle(std::move(argument));
      CHECK(got == -1);
    }
  };
  Bench bench;
  CHECK_THROWS_WITH(bench.run(Calls::main()), "late");
}

TEST_CASE("probe: a task that was destroyed before it was started frees its frame and its arguments", "[probe]") {
  Bench bench;
  {
    const Counted argument(1);
    const Task<int> task = take(argument);
    CHECK(FramePool::live() == 1);
    CHECK(Counted::live == 2);
  }
  CHECK(FramePool::live() == 0);
}

TEST_CASE("probe: suspended frames that are destroyed run each destructor once", "[probe]") {
  struct Calls {
    static Task<int> child(Counted by_value) {
      const Counted local(2);
      co_await Never{};
      co_return by_value.value + local.value;
    }
    static Task<void> parent() {
      const Counted local(1);
      const int got = co_await child(local);
      CHECK(got == -1);
    }
  };
  Bench bench;
  {
    Task<void> task = Calls::parent();
    const Task<void>::Awaiter awaiter = task.operator co_await();
    CHECK(awaiter.await_suspend(std::noop_coroutine()));
    CHECK(FramePool::live() == 2);
    // Both locals, the child's own copy of its parameter, and the parameter itself until the full expression ends.
    CHECK(Counted::live == 4);
  }
  CHECK(FramePool::live() == 0);
  CHECK(Counted::live == 0);
}

TEST_CASE("probe: elements made before an await in a loop are destroyed once when the frame is destroyed", "[probe]") {
  // In place of an initialiser list with an await in it, which clang gets wrong.
  struct Calls {
    static Task<void> main() {
      std::vector<Counted> all;
      for (int i = 0; i < 3; ++i) {
        Counted one = co_await make_counted(i);
        all.push_back(std::move(one));
      }
      co_await Never{};
    }
  };
  Bench bench;
  {
    Task<void> task = Calls::main();
    CHECK(task.operator co_await().await_suspend(std::noop_coroutine()));
    CHECK(Counted::live == 3);
  }
}

TEST_CASE("probe: a result is moved out of the child and bound by reference afterwards", "[probe]") {
  // In place of `auto [a, b] = co_await`, whose destructor GCC 15 loses.
  struct Calls {
    static Task<std::tuple<Counted, int>> pair() {
      Counted first(4);
      co_return std::tuple<Counted, int>(std::move(first), 2);
    }
    static Task<void> main(int& out) {
      std::tuple<Counted, int> both = co_await pair();
      auto& [counted, number] = both;
      out = counted.value * 10 + number;
    }
  };
  Bench bench;
  int out = 0;
  bench.run(Calls::main(out));
  CHECK(out == 42);
}

TEST_CASE("probe: either branch of an if can await", "[probe]") {
  // In place of the conditional operator, && and ||, which clang gets wrong.
  struct Calls {
    static Task<int> pick(bool late) {
      int got = 0;
      if (late) {
        const Counted local(1);
        got = co_await value_of_later(local);
      } else {
        const Counted local(2);
        got = co_await value_of(local);
      }
      co_return got;
    }
    static Task<void> main(int& out) {
      const int a = co_await pick(true);
      const int b = co_await pick(false);
      out = a * 10 + b;
    }
  };
  Bench bench;
  int out = 0;
  bench.run(Calls::main(out));
  CHECK(out == 12);
}

TEST_CASE("probe: every frame comes from the pool, none is elided", "[probe]") {
  struct Calls {
    static Task<void> leaf(std::size_t& seen) {
      seen = FramePool::live();
      co_return;
    }
    static Task<void> main(std::size_t& seen) {
      Task<void> child = leaf(seen);
      co_await child;
    }
  };
  Bench bench;
  std::size_t seen = 0;
  bench.run(Calls::main(seen));
  CHECK(seen == 2);
}

TEST_CASE("probe: a child's locals are gone before its parent goes on", "[probe]") {
  // handle.done() may be true while they are being destroyed; the promise's own flag is set afterwards.
  struct Calls {
    static Task<void> child(bool late) {
      const Counted local(1);
      Yield yield;
      if (late) co_await yield;
    }
    static Task<void> main(int& left) {
      co_await child(false);
      left += Counted::live;
      co_await child(true);
      left += Counted::live;
    }
  };
  Bench bench;
  int left = 0;
  bench.run(Calls::main(left));
  CHECK(left == 0);
}

TEST_CASE("probe: an awaiter whose coroutine goes on from the queue is not touched afterwards", "[probe]") {
  struct Calls {
    static Task<void> main(int& rounds) {
      for (int i = 0; i < 100; ++i) {
        const auto yield = std::make_unique<Yield>();
        co_await *yield;
        ++rounds;
      }
    }
  };
  Bench bench;
  int rounds = 0;
  bench.run(Calls::main(rounds));
  CHECK(rounds == 100);
}

TEST_CASE("probe: task templates, move-only results and early returns compile to what they say", "[probe]") {
  struct Calls {
    static Task<void> main(int& out) {
      const std::unique_ptr<int> box = co_await boxed(42);
      const std::unique_ptr<long> none = co_await boxed(-1L);
      CHECK(none == nullptr);
      out = *box;
    }
  };
  Bench bench;
  int out = 0;
  bench.run(Calls::main(out));
  CHECK(out == 42);
}

TEST_CASE("probe: a recursion of awaits returns through every level", "[probe]") {
  struct Calls {
    static Task<int> depth(int left) {
      const Counted local(left);
      if (left == 0) {
        const int last = co_await answer_later();
        co_return last;
      }
      const int below = co_await depth(left - 1);
      co_return below + 1;
    }
    static Task<void> main(int& out) {
      const int got = co_await depth(200);
      out = got;
    }
  };
  Bench bench;
  int out = 0;
  bench.run(Calls::main(out));
  CHECK(out == 242);
}

TEST_CASE("probe: arrays, references and switches survive suspensions", "[probe]") {
  struct Calls {
    static Task<void> main(int& out) {
      std::array<int, 16> numbers{};
      for (int& number : numbers) {
        const int got = co_await answer_later();
        switch (&number - numbers.data()) {
          case 0: {
            const int more = co_await add(got, 1);
            number = more;
            break;
          }
          default: number = got;
        }
      }
      for (const int number : numbers) out += number;
    }
  };
  Bench bench;
  int out = 0;
  bench.run(Calls::main(out));
  CHECK(out == 16 * 42 + 1);
}
