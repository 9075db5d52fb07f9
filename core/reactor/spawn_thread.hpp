#pragma once
// SpawnThread: the thread on which a reactor has its programs started. A start holds its caller until the program's image
// is loaded (posix_spawn suspends it, CreateProcess has scanners look at the file): a fraction of a millisecond, on a
// busy machine several. It makes one start after the other, in the order they were asked for, and is told of nothing
// else. Owned by the Reactor, made with the first start; threads that start no program have none.

#include <condition_variable>
#include <coroutine>
#include <mutex>
#include <thread>

#include "core/base/intrusive_list.hpp"
#include "core/reactor/reactor.hpp"

namespace weir {

class SpawnThread {
 public:
  // One start. Its owner keeps it, the child and the spec alive and untouched until it is posted to the reactor.
  struct Order : Posted {
    ChildProcess* child = nullptr;
    const SpawnSpec* spec = nullptr;
    Error error;  // the result
  };

  explicit SpawnThread(Reactor& reactor);  // throws std::system_error if no thread can be started
  SpawnThread(const SpawnThread&) = delete;
  SpawnThread& operator=(const SpawnThread&) = delete;
  ~SpawnThread();  // every order was posted back

  // The reactor's thread. Order::run is called on it when the start was made.
  void start(Order& order);

 private:
  void run() noexcept;

  Reactor& reactor_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  Queue<Posted> orders_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses everything above
};

// Starts a program: co_await gives what Backend::spawn says, and on success child and pipes are open and not attached.
// It cannot be cancelled. Where a start does not hold its caller (the simulator) it is made at once; so it is where no
// thread can be had for it.
class StartChild : SpawnThread::Order {
 public:
  StartChild(Reactor& reactor, ChildProcess& child, const SpawnSpec& spec) noexcept;
  StartChild(const StartChild&) = delete;
  StartChild& operator=(const StartChild&) = delete;

  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiter) noexcept;
  Error await_resume() const noexcept { return error; }

 private:
  Reactor& reactor_;
  SpawnThread* spawn_thread_ = nullptr;
  std::coroutine_handle<> waiter_;
};

}  // namespace weir
