#pragma once
// Scope (a nursery): the only way, besides Reactor::run, to start a task that is not awaited. It counts its children;
// join() must have been awaited before it is destroyed, so no task outlives what it uses. One thread.

#include <cstddef>
#include <cstdint>
#include <exception>

#include "core/coro/cancel.hpp"
#include "core/coro/run_queue.hpp"
#include "core/coro/task.hpp"

namespace weir {

class Scope {
 public:
  // Called with what escaped from a child; the child has ended. The default logs a line. escaped() counts either way.
  using ErrorSink = void (*)(void* context, std::exception_ptr what) noexcept;

  Scope() noexcept = default;
  explicit Scope(ErrorSink sink, void* context) noexcept : sink_(sink), context_(context) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { WEIR_VERIFY(live_ == 0); }

  // Starts the task now, on this stack, until it first suspends. The scope owns its frame. Not between the end of the
  // last child and the return of join(): a child that spawns is the way to go on.
  void spawn(Task<void> task);

  static std::uint64_t escaped() noexcept;  // exceptions that escaped from children, process-wide

  std::size_t live() const noexcept { return live_; }
  CancelToken token() noexcept { return cancel_.token(); }
  void cancel() noexcept { cancel_.cancel(); }  // a request; children end by their own rules

  struct Join : Resumable {
    Scope& scope;
    explicit Join(Scope& s) noexcept : scope(s) {}
    bool await_ready() const noexcept { return scope.live_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      WEIR_VERIFY(scope.joiner_ == nullptr);
      handle = waiter;
      scope.joiner_ = this;
    }
    void await_resume() const noexcept { WEIR_VERIFY(scope.live_ == 0); }
  };
  Join join() noexcept { return Join(*this); }  // one joiner at a time

 private:
  friend struct detail::PromiseBase;
  void child_ended(std::exception_ptr exception) noexcept;

  std::size_t live_ = 0;
  Join* joiner_ = nullptr;
  ErrorSink sink_ = nullptr;
  void* context_ = nullptr;
  CancelSource cancel_;
};

}  // namespace weir
