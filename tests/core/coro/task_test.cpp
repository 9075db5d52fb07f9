#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/coroutines.hpp"

using namespace weir;
using namespace weir::test;

namespace {

Task<int> three_later() {
  Yield yield;
  co_await yield;
  co_return 3;
}

Task<void> fail_later() {
  Yield yield;
  co_await yield;
  throw std::logic_error("escaped");
}

template <std::size_t Bytes>
Task<void> frame_of_at_least() {
  char bytes[Bytes];
  bytes[0] = 1;
  Yield yield;
  co_await yield;
  CHECK(bytes[0] == 1);
}

}  // namespace

TEST_CASE("a task's result is what it returned, whether it suspended or not", "[task]") {
  struct Calls {
    static Task<int> three() {
      const int result = 3;
      co_return result;
    }
    static Task<void> main(int& sum) {
      const int now = co_await three();
      const int later = co_await three_later();
      sum = now + later;
    }
  };
  Bench bench;
  int sum = 0;
  bench.run(Calls::main(sum));
  CHECK(sum == 6);
}

TEST_CASE("a default-made task is empty, and a moved-from one becomes so", "[task]") {
  Bench bench;
  Task<int> first = three_later();
  Task<int> second;
  CHECK(FramePool::live() == 1);
  second = std::move(first);
  Task<int> third(std::move(second));
  CHECK(FramePool::live() == 1);
  third = Task<int>();
}

TEST_CASE("a parent goes on in the order in which its children end", "[task]") {
  struct Calls {
    static Task<void> child(std::vector<int>& order, int id, int rounds) {
      for (int i = 0; i < rounds; ++i) {
        Yield yield;
        co_await yield;
      }
      order.push_back(id);
    }
    static Task<void> main(std::vector<int>& order) {
      co_await child(order, 1, 2);
      order.push_back(2);
      co_await child(order, 3, 0);
      order.push_back(4);
    }
  };
  Bench bench;
  std::vector<int> order;
  bench.run(Calls::main(order));
  CHECK(order == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("an exception is caught by the awaiting task, which can then await again", "[task]") {
  struct Calls {
    static Task<void> main(int& caught) {
      for (int i = 0; i < 3; ++i) {
        try {
          co_await fail_later();
        } catch (const std::logic_error&) { ++caught; }
        const int three = co_await three_later();
        CHECK(three == 3);
      }
    }
  };
  Bench bench;
  int caught = 0;
  bench.run(Calls::main(caught));
  CHECK(caught == 3);
}

TEST_CASE("the run queue leaves what becomes ready meanwhile for its next call", "[run-queue]") {
  struct Calls {
    static Task<void> main(int& rounds) {
      for (int i = 0; i < 3; ++i) {
        Yield yield;
        co_await yield;
        ++rounds;
      }
    }
  };
  Bench bench;
  int rounds = 0;
  Scope scope;
  scope.spawn(Calls::main(rounds));
  for (int expected = 1; expected <= 3; ++expected) {
    CHECK(RunQueue::current().drain() == 1);
    CHECK(rounds == expected);
  }
  CHECK(RunQueue::current().empty());
  CHECK(RunQueue::current().drain() == 0);
}

TEST_CASE("a run queue inside another gives the thread back to the outer one", "[run-queue]") {
  RunQueue outer;
  {
    RunQueue inner;
    CHECK(&RunQueue::current() == &inner);
  }
  CHECK(&RunQueue::current() == &outer);
}

TEST_CASE("frames are counted from birth to end", "[frames]") {
  Bench bench;
  const std::size_t before = FramePool::live();
  Scope scope;
  scope.spawn(fail_later());
  CHECK(FramePool::live() == before + 1);
  CHECK_FALSE(RunQueue::current().empty());
  const std::uint64_t escaped = Scope::escaped();
  bench.drain();
  CHECK(FramePool::live() == before);
  CHECK(Scope::escaped() == escaped + 1);
}

TEST_CASE("a steady state takes no frame from the heap", "[frames]") {
  Bench bench;
  bench.run(frame_of_at_least<100>());
  bench.run(frame_of_at_least<2000>());
  const std::size_t before = FramePool::total();
  for (int i = 0; i < 100; ++i) {
    bench.run(frame_of_at_least<100>());
    bench.run(frame_of_at_least<2000>());
  }
  CHECK(FramePool::total() == before);
}

TEST_CASE("a frame beyond 4 KiB comes from the heap and goes back there", "[frames]") {
  Bench bench;
  const std::size_t before = FramePool::total();
  bench.run(frame_of_at_least<8192>());
  bench.run(frame_of_at_least<8192>());
  CHECK(FramePool::total() == before + 2);
}

TEST_CASE("trim gives free frames back, and the pool goes on working", "[frames]") {
  Bench bench;
  bench.run(frame_of_at_least<1000>());
  FramePool::trim();
  const std::size_t before = FramePool::total();
  bench.run(frame_of_at_least<1000>());
  CHECK(FramePool::total() == before + 1);
}

TEST_CASE("memory of the pool has room for the size asked, and recent frames are reused first", "[frames]") {
  const std::size_t live = FramePool::live();
  std::vector<std::pair<char*, std::size_t>> frames;
  for (std::size_t bytes = 1; bytes <= 4200; bytes += 61) {
    frames.emplace_back(static_cast<char*>(FramePool::allocate(bytes)), bytes);
    std::fill_n(frames.back().first, bytes, static_cast<char>(bytes));
  }
  CHECK(FramePool::live() == live + frames.size());
  for (const auto& [memory, bytes] : frames) {
    CHECK(memory[0] == static_cast<char>(bytes));
    CHECK(memory[bytes - 1] == static_cast<char>(bytes));
    FramePool::release(memory, bytes);
  }
  CHECK(FramePool::live() == live);
  void* const first = FramePool::allocate(200);
  FramePool::release(first, 200);
  void* const second = FramePool::allocate(230);
  CHECK(first == second);
  FramePool::release(second, 230);
}

TEST_CASE("each thread counts its own frames", "[frames]") {
  const std::size_t here = FramePool::live();
  void* const mine = FramePool::allocate(64);
  std::size_t before = 1;
  std::size_t during = 0;
  std::thread other([&] {
    before = FramePool::live();
    void* const theirs = FramePool::allocate(64);
    during = FramePool::live();
    FramePool::release(theirs, 64);
  });
  other.join();
  CHECK(before == 0);
  CHECK(during == 1);
  CHECK(FramePool::live() == here + 1);
  FramePool::release(mine, 64);
}
