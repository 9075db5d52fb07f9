#pragma once
// Stream: a connected byte stream (TCP, unix socket, named pipe) on one reactor. It owns its handle, the bytes received
// and not yet consumed, and one receive operation that can be kept armed while nobody waits: an idle peer then costs no
// buffer and no system call, and its hang-up is noticed. It has no timeouts: its user cancels it. A layer
// may stand between it and its connection; without one it costs nothing but a look at each send.
//
// Order of use: open or accept, any number of receive / send, then close() awaited once.

#include <coroutine>
#include <cstdint>
#include <span>

#include "core/coro/task.hpp"
#include "core/net/stream_layer.hpp"
#include "core/reactor/reactor.hpp"

namespace weir {

class Stream {
 public:
  explicit Stream(Reactor& reactor) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Handle& handle() noexcept { return handle_; }
  bool is_open() const noexcept { return handle_.is_open(); }

  // What was received and not consumed yet. While a receive is armed the owner may consume and reset it.
  Buffer& input() noexcept { return input_; }

  // From now on all bytes go through the layer, which stays until the stream is closed. Before the first use, or after a
  // handshake by others; `received`: sealed bytes that came with it. Precondition: nothing is in flight, no result waits.
  void set_layer(StreamLayer& layer, Buffer received = {}) noexcept;

  // Starts a receive that appends to input() if none is armed and no result is waiting. Never runs other code.
  void arm() noexcept { start_receive_(*this); }
  bool armed() const noexcept { return !receive_.idle(); }
  bool has_result() const noexcept { return has_result_; }  // the next receive() will not wait
  // A result is in, but is delivered only when the reactor comes to it.
  bool result_is_due() const noexcept { return receive_.state == OpState::ready; }
  bool ended() const noexcept { return has_result_ && receive_.bytes == 0; }  // by its peer, or broken

  Error last_error() const noexcept { return receive_.bytes == 0 ? receive_.error : Error{}; }

  // Called by the reactor when an armed receive completes and no coroutine waits for it. May close and destroy.
  using Notice = void (*)(Stream&) noexcept;
  void set_notice(Notice notice) noexcept { notice_ = notice; }
  // For the notice: the object the stream is part of.
  void set_owner(void* owner) noexcept { owner_ = owner; }
  void* owner() const noexcept { return owner_; }

  // Bytes appended to input(); 0 is the end of the stream.
  struct Receive {
    Stream& stream;
    bool await_ready() const noexcept {
      stream.arm();
      return stream.has_result_;
    }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept { stream.wait(waiter); }
    Result<std::size_t> await_resume() const noexcept { return stream.take_result(); }
  };
  Receive receive() noexcept { return {*this}; }
  // For awaiters of others: resumes `waiter` when the armed receive has completed. Precondition: armed().
  void wait(std::coroutine_handle<> waiter) noexcept { receiver_ = waiter; }
  Result<std::size_t> take_result() noexcept;  // precondition: has_result()
  // Bytes that came by an armed receive are in input() already: forgets that result, but not the end of the stream.
  void acknowledge_received() noexcept {
    if (has_result_ && receive_.bytes > 0) has_result_ = false;
  }

  // Sends every slice, in as many calls as it takes; the slices are changed on the way. One at a time.
  class SendAll {
   public:
    SendAll(Stream& stream, std::span<IoSlice> slices) noexcept : stream_(stream), slices_(slices) {}
    bool await_ready() const noexcept { return slices_.empty(); }
    bool await_suspend(std::coroutine_handle<> waiter) noexcept;
    Result<void> await_resume() const noexcept;

   private:
    struct SendOp : Op {
      SendAll* self;
    };
    bool go_on() noexcept;          // true: all sent, or failed
    bool advance() noexcept;        // takes over one result; true as above
    void drop_front(std::size_t bytes) noexcept {
      while (!slices_.empty() && bytes >= slices_.front().size) {
        bytes -= slices_.front().size;
        slices_ = slices_.subspan(1);
      }
      if (slices_.empty()) return;
      slices_.front().data += bytes;
      slices_.front().size -= bytes;
    }
    static void completed(Op& op) noexcept;
    // The same with a layer: a block is sealed, sent, and the next one sealed.
    bool go_on_sealed() noexcept;
    bool advance_sealed() noexcept;
    bool seal_some() noexcept;      // false: failed
    static void completed_sealed(Op& op) noexcept;

    Stream& stream_;
    std::span<IoSlice> slices_;
    std::coroutine_handle<> waiter_;
    SendOp op_;
  };
  SendAll send(std::span<IoSlice> slices) noexcept { return {*this, slices}; }

  // Connects a handle that is open and attached. `to` stays alive meanwhile.
  class Connecting {
   public:
    Connecting(Stream& stream, const Address& to) noexcept : stream_(stream), to_(to) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter) noexcept;
    Result<void> await_resume() const noexcept;

   private:
    struct ConnectOp : Op {
      Connecting* self;
    };
    Stream& stream_;
    const Address& to_;
    std::coroutine_handle<> waiter_;
    ConnectOp op_;
  };
  Connecting connect(const Address& to) noexcept { return {*this, to}; }

  // Asks the operations of a direction to end; their results are then Errc::cancelled, or what came first.
  void cancel(Direction direction) noexcept;
  // Can it say that nothing follows while it still listens? A pipe cannot, it only closes.
  bool half_closes() const noexcept { return handle_.kind != HandleKind::pipe_stream; }
  // A layer's own farewell is not sent: its owner sends that first.
  void shutdown(Direction direction) noexcept { reactor_.backend().shutdown(handle_, direction); }
  void abort_on_close() noexcept { reactor_.backend().abort_on_close(handle_); }

  // Closes at once. Precondition: nothing is in flight.
  void close_now() noexcept;
  // Cancels what is in flight on the receiving side, waits for it, closes. Precondition: nothing is being sent.
  Task<void> close();

  // When bytes last moved, in either direction.
  TimePoint last_progress() const noexcept { return last_progress_; }
  void touch() noexcept { last_progress_ = reactor_.now(); }

 private:
  static void start_plain(Stream& stream) noexcept;
  static void received(Op& op) noexcept;
  void tell_result() noexcept {
    if (receiver_) {
      std::exchange(receiver_, nullptr).resume();
    } else if (notice_) {
      notice_(*this);
    }
  }
  // With a layer.
  static void start_sealed(Stream& stream) noexcept;
  static void received_sealed(Op& op) noexcept;
  bool take_sealed() noexcept;
  bool open_received() noexcept;
  bool result_is(std::size_t bytes, Error error) noexcept;

  struct ReceiveOp : Op {
    Stream* self;
  };

  Reactor& reactor_;
  void (*start_receive_)(Stream&) noexcept = &Stream::start_plain;  // so that a plain receive never asks for a layer
  StreamLayer* layer_ = nullptr;
  Handle handle_;
  Buffer input_;
  ReceiveOp receive_;
  std::coroutine_handle<> receiver_;
  Op* sending_ = nullptr;
  Notice notice_ = nullptr;
  void* owner_ = nullptr;
  TimePoint last_progress_;
  bool has_result_ = false;
  bool send_cancelled_ = false;  // a send that moved bytes all the same must not go on
};

}  // namespace weir
