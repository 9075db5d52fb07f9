#pragma once
// Reactor: the event loop of one thread. It owns a backend, the timers, the buffer pool and the run queue, and it alone
// calls Op::complete. A turn: posted work, completed ops, ready coroutines, due timers, one wait.

#include <cstdint>
#include <memory>
#include <utility>

#include "core/base/buffer.hpp"
#include "core/coro/run_queue.hpp"
#include "core/coro/scope.hpp"
#include "core/coro/task.hpp"
#include "core/reactor/backend.hpp"
#include "core/reactor/timers.hpp"

namespace weir {

// Work handed over from another thread. The poster keeps it alive until run was called; run may destroy it.
struct Posted {
  Posted* next = nullptr;
  void (*run)(Posted&) noexcept = nullptr;
};

struct ReactorOptions {
  std::size_t buffer_size = BufferPool::default_block_size;  // bytes
  std::size_t max_buffers = 0;                               // 0: unbounded
};

class SpawnThread;

class Reactor {
 public:
  explicit Reactor(std::unique_ptr<Backend> backend, const ReactorOptions& options = {});
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();  // verifies that nothing is in flight

  // Runs until `main` has ended and nothing is in flight. Rethrows what escaped from main.
  void run(Task<void> main);

  // One turn, for tests and the simulator: true while there is something left to wait for.
  bool turn(TimePoint deadline);

  // Any thread: runs `work` on this reactor's thread soon.
  void post(Posted& work) noexcept;

  // `notice` is run once, on this thread, when the backend fails for good (Backend::failure). It stays until then.
  void when_backend_fails(Posted& notice) noexcept { failure_notice_ = &notice; }

  // Submits. True: the result is in the op and the caller goes on at once. False: complete() will be called later.
  bool start(Op& op) noexcept {
    WEIR_ASSERT(op.state == OpState::idle);
    op.error = {};
    op.bytes = 0;
    op.state = OpState::in_flight;
    ++in_flight_;
    if (backend_->submit(op) == Submit::pending) return false;
    if (spend_inline()) {
      op.state = OpState::idle;
      --in_flight_;
      return true;
    }
    defer(op);
    return false;
  }
  void cancel(Op& op) noexcept {
    if (op.state != OpState::in_flight) return;
    op.state = OpState::cancelling;
    backend_->cancel(op);
  }

  // Queues an op whose result is in. Own thread.
  void defer(Op& op) noexcept {
    op.state = OpState::ready;
    ready_.push(op);
  }

  // False once a completion has started enough operations that were done at once: others get their turn.
  bool spend_inline() noexcept { return inline_left_ > 0 && inline_left_-- > 0; }

  TimePoint now() const noexcept { return now_; }  // as of the last wait: one clock reading a turn
  TimePoint clock() const noexcept { return backend_->now(); }
  Timers& timers() noexcept { return timers_; }
  BufferPool& buffers() noexcept { return buffers_; }
  Backend& backend() noexcept { return *backend_; }
  std::size_t in_flight() const noexcept { return in_flight_; }

  // The thread on which programs are started, made by the first call. Null: it could not be started.
  SpawnThread* spawn_thread() noexcept;

  // The longest time between the return of one wait and the start of the next, since the last call.
  Duration take_longest_turn() noexcept;

 private:
  // A transfer that can go on goes on while its buffer is in the caches: 32 operations cost 1.5 times the CPU per GiB.
  // At 32 KiB each, 256 are 4 MiB sent and received, about two milliseconds until others get their turn.
  static constexpr int inline_budget = 256;
  void work();                            // the turn up to its wait
  void sleep(TimePoint deadline) noexcept;
  void complete_ready() noexcept;
  void run_posted() noexcept;

  std::unique_ptr<Backend> backend_;
  BufferPool buffers_;
  RunQueue run_queue_;
  TimePoint now_;
  Timers timers_;
  Queue<Op> ready_;
  MpscQueue<Posted> posted_;
  Posted* failure_notice_ = nullptr;
  std::size_t in_flight_ = 0;
  int inline_left_ = inline_budget;
  Duration longest_turn_{};
  std::unique_ptr<SpawnThread> spawn_thread_;  // last: its thread uses what is above
};

}  // namespace weir
