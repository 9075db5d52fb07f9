#pragma once
// Task<T>: a lazy coroutine with one awaiter, owned by the holder of the Task. Started by resume-and-check: awaiting a
// task resumes it inside await_suspend, and if it ended without suspending, the awaiting coroutine goes on in the same
// frame. No chain of synchronous awaits deepens the stack, tail call or not. One thread. The rules for writing tasks
// (GCC 12 makes them necessary) are in README.md beside this file.

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/base/assert.hpp"
#include "core/coro/frame_pool.hpp"

namespace weir {

class Scope;
template <class T>
class Task;

namespace detail {

// Out of line, so that clang cannot see that a frame ends with its Task and put it on the stack: that optimisation was
// wrong for spawned tasks (llvm#59723), and elided frames would not be counted.
void destroy_frame(std::coroutine_handle<> frame) noexcept;

// What every promise shares: where to go on, and whether the body has ended. handle.done() is not used for that: it
// turns true too early while the body's locals are still being destroyed.
struct PromiseBase {
  std::coroutine_handle<> continuation;
  Scope* scope = nullptr;  // set when spawned: the scope owns the frame
  std::exception_ptr exception;
  bool finished = false;

  static void* operator new(std::size_t bytes) { return FramePool::allocate(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { FramePool::release(frame, bytes); }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
  void end_spawned() noexcept;

  struct FinalAwaiter {
    PromiseBase& promise;
    // A spawned task reports to its scope and then falls off its end, which frees the frame.
    bool await_ready() const noexcept {
      if (!promise.scope) return false;
      promise.end_spawned();
      return true;
    }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P>) const noexcept {
      promise.finished = true;
      return promise.continuation ? promise.continuation : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {*this}; }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;

  Task<T> get_return_object() noexcept;
  template <class U = T>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) detail::destroy_frame(handle_);  // not started, or finished: never in the middle of an operation
  }

  struct Awaiter {
    Handle child;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) const noexcept {
      child.resume();
      if (child.promise().finished) return false;
      child.promise().continuation = parent;
      return true;
    }
    T await_resume() const { return child.promise().take(); }
  };
  Awaiter operator co_await() const noexcept { return Awaiter{handle_}; }

  // For Scope and Reactor: hands the frame over.
  Handle release() noexcept { return std::exchange(handle_, nullptr); }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace weir
