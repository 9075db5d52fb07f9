#pragma once
// Operations as awaitables. Each holds its Op, so it lives in the awaiting coroutine's frame until the result is in:
//     auto got = co_await Recv(reactor, handle, memory, size);
// Cancel one in flight with reactor.cancel(awaiter.op()); its result is then Errc::cancelled, or what came first.

#include <coroutine>

#include "core/coro/cancel.hpp"
#include "core/reactor/reactor.hpp"

namespace weir {

// Starts its op when awaited; the reactor resumes the coroutine from its run queue.
class OpAwaiter {
 public:
  OpAwaiter(const OpAwaiter&) = delete;
  OpAwaiter& operator=(const OpAwaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    op_.waiter = waiter;
    return !reactor_.start(op_);
  }
  // Bytes moved, or the error when none were.
  Result<std::size_t> await_resume() const noexcept {
    if (op_.error && op_.bytes == 0) return std::unexpected(op_.error);
    return op_.bytes;
  }
  Op& op() noexcept { return op_; }

 protected:
  OpAwaiter(Reactor& reactor, Handle& handle, OpKind kind) noexcept : reactor_(reactor) {
    op_.handle = &handle;
    op_.kind = kind;
    op_.complete = [](Op& op) noexcept { static_cast<WaitingOp&>(op).waiter.resume(); };
  }

  struct WaitingOp : Op {
    std::coroutine_handle<> waiter;
  };
  WaitingOp op_;
  Reactor& reactor_;
};

struct Recv : OpAwaiter {
  Recv(Reactor& reactor, Handle& handle, char* data, std::size_t size) noexcept
      : OpAwaiter(reactor, handle, OpKind::recv) {
    op_.memory = {data, size};
  }
};

// Receives into `into`: an empty Buffer is taken from the reactor's pool when bytes are there.
struct RecvLeased : OpAwaiter {
  RecvLeased(Reactor& reactor, Handle& handle, Buffer& into) noexcept
      : OpAwaiter(reactor, handle, OpKind::recv_leased) {
    op_.lease = {&into, &reactor.buffers()};
  }
};

// Sends some of the slices; the caller advances them.
struct Send : OpAwaiter {
  Send(Reactor& reactor, Handle& handle, const IoSlice* slices, std::uint32_t count) noexcept
      : OpAwaiter(reactor, handle, OpKind::send) {
    op_.slices = {slices, count};
  }
};

struct Read : OpAwaiter {
  Read(Reactor& reactor, Handle& handle, char* data, std::size_t size) noexcept
      : OpAwaiter(reactor, handle, OpKind::read) {
    op_.memory = {data, size};
  }
};

struct Write : OpAwaiter {
  Write(Reactor& reactor, Handle& handle, const IoSlice* slices, std::uint32_t count) noexcept
      : OpAwaiter(reactor, handle, OpKind::write) {
    op_.slices = {slices, count};
  }
};

struct WatchRead : OpAwaiter {
  WatchRead(Reactor& reactor, Handle& handle) noexcept : OpAwaiter(reactor, handle, OpKind::watch_read) {}
};

struct WatchWrite : OpAwaiter {
  WatchWrite(Reactor& reactor, Handle& handle) noexcept : OpAwaiter(reactor, handle, OpKind::watch_write) {}
};

// Connects a handle that was opened as a stream and attached. `to` is alive until the result is in.
struct Connect : OpAwaiter {
  Connect(Reactor& reactor, Handle& handle, const Address& to) noexcept
      : OpAwaiter(reactor, handle, OpKind::connect) {
    op_.connect = {&to};
  }
};

// Accepts into `accepted`, which is then open and not attached. `ahead`: see AcceptArgs.
struct Accept : OpAwaiter {
  Accept(Reactor& reactor, Handle& listener, Handle& accepted, Address* peer, bool ahead = false) noexcept
      : OpAwaiter(reactor, listener, OpKind::accept) {
    op_.accept = {&accepted, peer, ahead};
  }
};

// Ends when the child has ended. `status` is alive until then.
struct WaitChild : OpAwaiter {
  WaitChild(Reactor& reactor, ChildProcess& child, ExitStatus& status) noexcept
      : OpAwaiter(reactor, child, OpKind::wait_child) {
    op_.child = {&status};
  }
};

// Goes on in the next turn, after one look at the system; in the order of those who wait.
class NextTurn : Posted {
 public:
  explicit NextTurn(Reactor& reactor) noexcept : reactor_(reactor) {
    run = [](Posted& work) noexcept { static_cast<NextTurn&>(work).waiter_.resume(); };
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    waiter_ = waiter;
    reactor_.post(*this);
  }
  void await_resume() const noexcept {}

 private:
  Reactor& reactor_;
  std::coroutine_handle<> waiter_;
};

// Ends at the deadline (true) or when the token is cancelled (false).
class SleepUntil : Timer, CancelCallback, Resumable {
 public:
  SleepUntil(Reactor& reactor, TimePoint deadline, CancelToken token = {}) noexcept
      : Timer([](Timer& timer) noexcept { static_cast<SleepUntil&>(timer).end(true); }),
        CancelCallback([](CancelCallback& callback) noexcept { static_cast<SleepUntil&>(callback).end(false); }),
        reactor_(reactor), deadline_(deadline), token_(token) {}

  bool await_ready() const noexcept { return token_.cancelled(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle = waiter;
    reactor_.timers().arm(*this, deadline_);
    token_.subscribe(*this);
  }
  bool await_resume() const noexcept { return slept_; }

 private:
  void end(bool slept) noexcept {
    slept_ = slept;
    reactor_.timers().disarm(*this);
    if (CancelCallback::linked()) CancelCallback::unlink();
    RunQueue::current().push(*this);
  }

  Reactor& reactor_;
  TimePoint deadline_;
  CancelToken token_;
  bool slept_ = false;
};

}  // namespace weir
