#pragma once
// Event: a one-thread wait point. Waiters are resumed through the run queue, never from inside set().

#include "core/coro/run_queue.hpp"

namespace weir {

// Stays set until reset(); every waiter goes on.
class Event {
 public:
  Event() noexcept = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { WEIR_VERIFY(waiters_.empty()); }

  bool is_set() const noexcept { return set_; }
  void reset() noexcept { set_ = false; }
  void set() noexcept {
    set_ = true;
    while (Resumable* waiter = waiters_.pop()) RunQueue::current().push(*waiter);
  }

  struct Wait : Resumable {
    Event& event;
    explicit Wait(Event& e) noexcept : event(e) {}
    bool await_ready() const noexcept { return event.set_; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      handle = waiter;
      event.waiters_.push(*this);
    }
    void await_resume() const noexcept {}
  };
  Wait wait() noexcept { return Wait(*this); }

 private:
  Queue<Resumable> waiters_;
  bool set_ = false;
};

}  // namespace weir
