#pragma once
// Coroutines that are ready to run. Code that makes a coroutine ready from within another one's stack (an event, a
// scope) puts it here instead of resuming it; the thread's reactor drains the queue. One per reactor: the current one is
// that of the reactor at work, or else the one that was made last on this thread.

#include <coroutine>
#include <cstddef>

#include "core/base/intrusive_list.hpp"

namespace weir {

// Lives in an awaiter, so in the waiting coroutine's frame.
struct Resumable {
  Resumable* next = nullptr;
  std::coroutine_handle<> handle;
};

class RunQueue {
 public:
  RunQueue() noexcept;  // becomes the thread's current queue
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;
  ~RunQueue();

  static RunQueue& current() noexcept;  // precondition: one exists on this thread

  void push(Resumable& waiter) noexcept { ready_.push(waiter); }
  bool empty() const noexcept { return ready_.empty(); }

  // Resumes what was queued when it was called; what becomes ready meanwhile waits for the next call.
  // Returns how many were resumed.
  std::size_t drain() noexcept;

  // Makes a queue the thread's current one for a while: several reactors may take turns on a thread.
  class Active {
   public:
    explicit Active(RunQueue& queue) noexcept;
    Active(const Active&) = delete;
    Active& operator=(const Active&) = delete;
    ~Active();

   private:
    RunQueue* before_;
  };

 private:
  Queue<Resumable> ready_;
  RunQueue* outer_ = nullptr;
};

}  // namespace weir
