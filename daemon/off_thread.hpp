#pragma once
// OffThread: runs a function that blocks on a thread of its own and awaits its result. Control thread.
//
//   OffThread<Resolved> resolving(reactor, [spec] { return resolve_endpoints(*spec); });
//   Resolved resolved = co_await resolving;

#include <exception>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "core/coro/run_queue.hpp"
#include "core/reactor/reactor.hpp"

namespace weir::daemon {

// What the function throws is thrown to the awaiter. The function begins when it is awaited; the awaiting coroutine must
// not be destroyed before it has ended.
template <class Value>
class [[nodiscard]] OffThread : Posted, Resumable {
 public:
  OffThread(Reactor& reactor, std::function<Value()> function) : reactor_(reactor), function_(std::move(function)) {
    Posted::run = [](Posted& posted) noexcept {
      auto& self = static_cast<OffThread&>(posted);
      self.thread_.join();
      RunQueue::current().push(self);
    };
  }
  OffThread(const OffThread&) = delete;
  OffThread& operator=(const OffThread&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    Resumable::handle = waiter;
    thread_ = std::thread([this] {
      try {
        value_.emplace(function_());
      } catch (...) { escaped_ = std::current_exception(); }
      reactor_.post(*this);
    });
  }
  Value await_resume() {
    if (escaped_) std::rethrow_exception(escaped_);
    return std::move(*value_);
  }

 private:
  Reactor& reactor_;
  std::function<Value()> function_;
  std::thread thread_;
  std::optional<Value> value_;
  std::exception_ptr escaped_;
};

}  // namespace weir::daemon
