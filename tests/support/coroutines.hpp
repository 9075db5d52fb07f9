#pragma once
// What tests of coroutines share: a queue to run them on, a way to suspend, and guards that count what is left.

#include <exception>
#include <utility>

#include "core/coro/frame_pool.hpp"
#include "core/coro/run_queue.hpp"
#include "core/coro/scope.hpp"
#include "core/coro/task.hpp"
#include "tests/support/catch.hpp"

namespace weir::test {

// Suspends once; the coroutine goes on when the run queue is drained.
struct Yield : Resumable {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle = waiter;
    RunQueue::current().push(*this);
  }
  void await_resume() const noexcept {}
};

// Suspends for good: for frames that are destroyed while suspended.
struct Never {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  void await_resume() const noexcept {}
};

// Counts its instances, so that a destructor that runs twice or never shows.
struct Counted {
  static inline int live = 0;
  static inline int made = 0;
  int value = 0;

  explicit Counted(int v = 0) noexcept : value(v) { count(); }
  Counted(const Counted& other) noexcept : value(other.value) { count(); }
  Counted(Counted&& other) noexcept : value(std::exchange(other.value, -1)) { count(); }
  Counted& operator=(const Counted&) noexcept = default;
  Counted& operator=(Counted&&) noexcept = default;
  ~Counted() { --live; }

 private:
  static void count() noexcept {
    ++live;
    ++made;
  }
};

// A run queue, and the promise that the test leaves no frame and no Counted behind.
class Bench {
 public:
  Bench() noexcept : frames_(FramePool::live()) { Counted::live = Counted::made = 0; }
  ~Bench() {
    CHECK(FramePool::live() == frames_);
    CHECK(Counted::live == 0);
  }

  void drain() {
    while (queue_.drain() > 0) {}
  }

  // Runs the task until it has ended; what escapes from it is thrown on.
  void run(Task<void> task) {
    std::exception_ptr escaped;
    Scope scope([](void* to, std::exception_ptr what) noexcept { *static_cast<std::exception_ptr*>(to) = what; },
                &escaped);
    scope.spawn(std::move(task));
    drain();
    REQUIRE(scope.live() == 0);
    if (escaped) std::rethrow_exception(escaped);
  }

 private:
  std::size_t frames_;
  RunQueue queue_;
};

}  // namespace weir::test
