#pragma once
// Relay: bytes both ways between two ends until both have ended, one buffer at a time in each direction, so that a slow
// reader slows the other side down. For tunnels (upgrades, CONNECT) and, later, TCP listeners. It never decides about
// time: its owner watches the progress of the ends and calls cancel(). One thread, the reactor's.

#include <coroutine>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/coro/scope.hpp"
#include "core/coro/task.hpp"
#include "core/net/stream.hpp"

namespace weir {

// What a relay moves bytes between. Calls are made once per part, beside a system call.
class RelayEnd {
 public:
  struct Read {
    RelayEnd& end;
    bool await_ready() const noexcept { return end.can_read(); }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept { end.wait_read(waiter); }
    Result<std::string_view> await_resume() const noexcept { return end.take_read(); }
  };
  struct Write {
    RelayEnd& end;
    std::string_view bytes;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter) const noexcept { return !end.start_write(bytes, waiter); }
    Result<void> await_resume() const noexcept { return end.take_write(); }
  };

  // Bytes that stay in place until consume(); empty: the peer has ended its direction.
  Read read() noexcept { return {*this}; }
  virtual void consume(std::size_t bytes) noexcept = 0;
  // All of them. One at a time.
  Write write(std::string_view bytes) noexcept { return {*this, bytes}; }
  // Nothing follows in this direction.
  virtual void end_write() noexcept = 0;
  // Can it say so while it still reads? A pipe cannot.
  virtual bool half_closes() const noexcept = 0;
  // What is in flight ends as cancelled.
  virtual void cancel() noexcept = 0;

 protected:
  ~RelayEnd() = default;
  virtual bool can_read() noexcept = 0;
  virtual void wait_read(std::coroutine_handle<> waiter) noexcept = 0;
  virtual Result<std::string_view> take_read() noexcept = 0;
  virtual bool start_write(std::string_view bytes, std::coroutine_handle<> waiter) noexcept = 0;  // true: done at once
  virtual Result<void> take_write() noexcept = 0;
};

// A stream as an end. `early` holds what was received before the relay and is read first; the stream's input follows.
class StreamEnd final : public RelayEnd {
 public:
  explicit StreamEnd(Stream& stream, Buffer* early = nullptr) noexcept : stream_(stream), early_(early) {}

  void consume(std::size_t bytes) noexcept override;
  void end_write() noexcept override { stream_.shutdown(Direction::out); }
  bool half_closes() const noexcept override { return stream_.half_closes(); }
  void cancel() noexcept override { stream_.cancel(Direction::both); }

 private:
  Buffer& source() noexcept { return early_ && !early_->empty() ? *early_ : stream_.input(); }
  bool can_read() noexcept override;
  void wait_read(std::coroutine_handle<> waiter) noexcept override;
  Result<std::string_view> take_read() noexcept override;
  bool start_write(std::string_view bytes, std::coroutine_handle<> waiter) noexcept override;
  Result<void> take_write() noexcept override;

  Stream& stream_;
  Buffer* early_;
  IoSlice slice_;
  std::optional<Stream::SendAll> send_;
};

class Relay {
 public:
  // `winding_down` is called once when one direction has ended and the other end cannot be told: what is under way is
  // finished, and the owner sees to it that this does not take for ever. May be null.
  using Notice = void (*)(void* context) noexcept;
  Relay(RelayEnd& a, RelayEnd& b, Notice winding_down = nullptr, void* context = nullptr) noexcept
      : a_(a), b_(b), winding_down_(winding_down), context_(context) {}

  // Ends when both directions have ended, in order or not.
  Task<void> run();
  // Cuts both directions: run() ends soon. Harmless before and after.
  void cancel() noexcept;

  std::uint64_t from_a() const noexcept { return from_a_; }  // bytes moved
  std::uint64_t from_b() const noexcept { return from_b_; }

 private:
  Task<void> pump(RelayEnd& from, RelayEnd& to, std::uint64_t& moved);

  RelayEnd& a_;
  RelayEnd& b_;
  Notice winding_down_;
  void* context_;
  std::uint64_t from_a_ = 0;
  std::uint64_t from_b_ = 0;
  bool cut_ = false;
  Scope other_direction_;
};

}  // namespace weir
