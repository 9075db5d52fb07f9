#include "core/coro/run_queue.hpp"

#include <utility>

namespace weir {

namespace {
thread_local RunQueue* current_queue = nullptr;
}

RunQueue::RunQueue() noexcept : outer_(current_queue) { current_queue = this; }

RunQueue::~RunQueue() {
  WEIR_ASSERT(ready_.empty());
  WEIR_VERIFY(current_queue == this);
  current_queue = outer_;
}

RunQueue& RunQueue::current() noexcept {
  WEIR_VERIFY(current_queue != nullptr);
  return *current_queue;
}

RunQueue::Active::Active(RunQueue& queue) noexcept : before_(std::exchange(current_queue, &queue)) {}

RunQueue::Active::~Active() { current_queue = before_; }

std::size_t RunQueue::drain() noexcept {
  Queue<Resumable> batch;
  batch.splice(ready_);
  std::size_t resumed = 0;
  // The resumable may be gone once its coroutine has gone on: nothing of it is read afterwards.
  while (Resumable* waiter = batch.pop()) {
    waiter->handle.resume();
    ++resumed;
  }
  return resumed;
}

}  // namespace weir
