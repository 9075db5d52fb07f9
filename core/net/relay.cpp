#include "core/net/relay.hpp"

namespace weir {

bool StreamEnd::can_read() noexcept {
  if (!source().empty()) return true;
  stream_.input().reset();  // no block is held while nothing comes
  stream_.arm();
  return stream_.has_result();
}

void StreamEnd::wait_read(std::coroutine_handle<> waiter) noexcept { stream_.wait(waiter); }

Result<std::string_view> StreamEnd::take_read() noexcept {
  const bool from_stream = !early_ || early_->empty();
  if (from_stream && stream_.has_result()) {
    const Result<std::size_t> got = stream_.take_result();
    if (!got) return std::unexpected(got.error());
  }
  return source().view();
}

void StreamEnd::consume(std::size_t bytes) noexcept { source().consume(bytes); }

bool StreamEnd::start_write(std::string_view bytes, std::coroutine_handle<> waiter) noexcept {
  slice_ = IoSlice(bytes);
  send_.emplace(stream_, std::span<IoSlice>(&slice_, 1));
  return !send_->await_suspend(waiter);
}

Result<void> StreamEnd::take_write() noexcept {
  const Result<void> sent = send_->await_resume();
  send_.reset();
  return sent;
}

Task<void> Relay::run() {
  other_direction_.spawn(pump(a_, b_, from_a_));
  auto back = pump(b_, a_, from_b_);
  co_await back;
  co_await other_direction_.join();
}

void Relay::cancel() noexcept {
  cut_ = true;
  a_.cancel();
  b_.cancel();
}

// One direction. An end is passed on as an end; an error ends both directions.
Task<void> Relay::pump(RelayEnd& from, RelayEnd& to, std::uint64_t& moved) {
  while (!cut_) {
    const auto got = co_await from.read();
    if (!got || cut_) break;
    if (got->empty()) {
      if (winding_down_ && (!from.half_closes() || !to.half_closes())) winding_down_(context_);
      to.end_write();
      co_return;
    }
    const auto sent = co_await to.write(*got);
    if (!sent || cut_) break;
    moved += got->size();
    from.consume(got->size());
  }
  cancel();
}

}  // namespace weir
