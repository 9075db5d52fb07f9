#pragma once
// Semaphore: a bound on how many coroutines go on at a time, first come first served. One thread.

#include <cstddef>

#include "core/coro/cancel.hpp"
#include "core/coro/run_queue.hpp"

namespace weir {

class Semaphore {
 public:
  explicit Semaphore(std::size_t permits) noexcept : free_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  std::size_t free() const noexcept { return free_; }

  // True: the caller has a permit and gives it back by release(). False: the token was cancelled first.
  class Acquire : ListLink<Acquire>, CancelCallback, Resumable {
   public:
    Acquire(Semaphore& semaphore, CancelToken token) noexcept
        : CancelCallback([](CancelCallback& callback) noexcept { static_cast<Acquire&>(callback).give_up(); }),
          semaphore_(semaphore), token_(token) {}

    bool await_ready() noexcept {
      if (token_.cancelled()) return true;
      if (semaphore_.free_ == 0) return false;
      --semaphore_.free_;
      granted_ = true;
      return true;
    }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      handle = waiter;
      semaphore_.waiting_.push_back(*this);
      token_.subscribe(*this);
    }
    bool await_resume() const noexcept { return granted_; }

   private:
    friend class Semaphore;
    friend class List<Acquire, Acquire>;
    void grant() noexcept {
      granted_ = true;
      if (CancelCallback::linked()) CancelCallback::unlink();
      RunQueue::current().push(*this);
    }
    void give_up() noexcept {
      ListLink<Acquire>::unlink();
      RunQueue::current().push(*this);
    }

    Semaphore& semaphore_;
    CancelToken token_;
    bool granted_ = false;
  };
  Acquire acquire(CancelToken token = {}) noexcept { return {*this, token}; }

  // The permit goes to the longest waiter.
  void release() noexcept {
    if (Acquire* next = waiting_.pop_front()) {
      next->grant();
    } else {
      ++free_;
    }
  }

 private:
  List<Acquire, Acquire> waiting_;
  std::size_t free_;
};

}  // namespace weir
