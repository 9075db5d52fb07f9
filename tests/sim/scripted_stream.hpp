#pragma once
// What scripted message streams are made of: a trace of what was asked of them, reads that get what the script gives, and
// sends that the script may hold, let go or break. No bytes of any protocol. One thread, the reactor's: what waits goes on
// by its run queue, as with an operation, never inside the call that lets it go.

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/coro/run_queue.hpp"
#include "core/proxy/message.hpp"

namespace weir::sim {

// What happened, a line for each call, in order.
class Trace {
 public:
  void add(std::string line) { lines_.push_back(std::move(line)); }
  const std::vector<std::string>& lines() const noexcept { return lines_; }
  std::size_t count(std::string_view line) const noexcept;
  bool has(std::string_view line) const noexcept { return count(line) > 0; }
  std::string text() const;

 private:
  std::vector<std::string> lines_;
};

// A part as a trace shows it: its bytes, "last", its trailers.
std::string text_of(const proxy::BodyPart& part);

class Waiting : private Resumable {
 public:
  bool waits() const noexcept { return waits_; }
  void wait(std::coroutine_handle<> waiter) noexcept {
    handle = waiter;
    waits_ = true;
  }
  void wake() noexcept {
    if (std::exchange(waits_, false)) RunQueue::current().push(*this);
  }

 private:
  bool waits_ = false;
};

// What is read: what the script gives, in order. When that is used up the reader waits, or gets the end.
template <class T>
class Inbox {
 public:
  void give(T item) {
    items_.push_back(std::move(item));
    waiting_.wake();
  }
  void end_with(T item) {
    end_ = std::move(item);
    waiting_.wake();
  }
  bool ready() const noexcept { return !items_.empty() || end_.has_value(); }
  bool waits() const noexcept { return waiting_.waits(); }
  void wait(std::coroutine_handle<> waiter) noexcept { waiting_.wait(waiter); }
  T take() {
    if (items_.empty()) return *end_;
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }
  // Whoever waits gets this; nobody else does.
  void cancel(T item) {
    if (waits()) give(std::move(item));
  }

 private:
  std::deque<T> items_;
  std::optional<T> end_;
  Waiting waiting_;
};

// What is sent: done at once, or held until the script lets it go.
class Outbox {
 public:
  bool held = false;
  bool moves_when_cancelled = false;  // a cancelled send has moved its bytes all the same

  bool start(std::coroutine_handle<> waiter) noexcept {  // true: done at once
    result_ = {};
    if (broken_) result_ = std::unexpected(*broken_);
    if (broken_ || !held) return true;
    waiting_.wait(waiter);
    return false;
  }
  bool waits() const noexcept { return waiting_.waits(); }
  void let_go(Result<void> result = {}) noexcept {
    if (!waits()) return;
    result_ = result;
    waiting_.wake();
  }
  void break_with(const Error& error) noexcept {
    broken_ = error;
    let_go(std::unexpected(error));
  }
  void cancel() noexcept {
    if (moves_when_cancelled) return let_go();
    let_go(std::unexpected(Error(Errc::cancelled)));
  }
  Result<void> take() const noexcept { return result_; }

 private:
  Waiting waiting_;
  Result<void> result_;
  std::optional<Error> broken_;
};

// A part of a body as the script gives it; the views of a PartRead point into it until taken().
struct GivenPart {
  std::string data;
  bool last = false;
  std::string trailers;
  proxy::Cut cut = proxy::Cut::none;
  bool by_close = false;
};

// The parts of a body on their way to whoever reads it.
class ScriptedBody {
 public:
  Inbox<GivenPart> inbox;

  proxy::PartRead take() {
    current_ = inbox.take();
    piece_ = current_.data;
    proxy::PartRead read;
    read.part.pieces = {&piece_, piece_.empty() ? std::size_t{0} : std::size_t{1}};
    read.part.size = piece_.size();
    read.part.last = current_.last;
    read.part.trailers = current_.trailers;
    read.cut = current_.cut;
    read.by_close = current_.by_close;
    return read;
  }

 private:
  GivenPart current_;
  std::string_view piece_;
};

// The end of a tunnel: bytes that the script gives, and what was written to it.
class ScriptedTunnel final : public RelayEnd {
 public:
  ScriptedTunnel(Trace& trace, std::string name) : trace_(trace), name_(std::move(name)) {}

  void give(std::string_view bytes) { inbox_.give(std::string(bytes)); }  // empty: the end
  void break_with(const Error& error) {
    inbox_.end_with(std::unexpected(error));
    outbox_.break_with(error);
  }

  void consume(std::size_t) noexcept override {}
  void end_write() noexcept override { trace_.add(name_ + ": tunnel ends"); }
  bool half_closes() const noexcept override { return true; }
  void cancel() noexcept override {
    trace_.add(name_ + ": tunnel cancel");
    inbox_.cancel(std::unexpected(Error(Errc::cancelled)));
    outbox_.cancel();
  }

 private:
  bool can_read() noexcept override { return inbox_.ready(); }
  void wait_read(std::coroutine_handle<> waiter) noexcept override { inbox_.wait(waiter); }
  Result<std::string_view> take_read() noexcept override {
    current_ = inbox_.take();
    if (!current_) return std::unexpected(current_.error());
    return std::string_view(*current_);
  }
  bool start_write(std::string_view bytes, std::coroutine_handle<> waiter) noexcept override {
    trace_.add(name_ + ": tunnel write " + std::string(bytes));
    return outbox_.start(waiter);
  }
  Result<void> take_write() noexcept override { return outbox_.take(); }

  Trace& trace_;
  std::string name_;
  Inbox<Result<std::string>> inbox_;
  Result<std::string> current_;
  Outbox outbox_;
};

}  // namespace weir::sim
