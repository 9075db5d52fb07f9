#include "core/net/stream.hpp"

namespace weir {

Stream::Stream(Reactor& reactor) noexcept : reactor_(reactor) {
  receive_.handle = &handle_;
  receive_.kind = OpKind::recv_leased;
  receive_.complete = &Stream::received;
  receive_.lease = {&input_, &reactor.buffers()};
  receive_.self = this;
}

void Stream::start_plain(Stream& stream) noexcept {
  if (stream.has_result_ || stream.armed()) return;
  if (stream.reactor_.start(stream.receive_)) {
    stream.has_result_ = true;
    stream.last_progress_ = stream.reactor_.now();
  }
}

void Stream::received(Op& op) noexcept {
  Stream& stream = *static_cast<ReceiveOp&>(op).self;
  stream.has_result_ = true;
  stream.last_progress_ = stream.reactor_.now();
  stream.tell_result();
}

Result<std::size_t> Stream::take_result() noexcept {
  WEIR_ASSERT(has_result_);
  has_result_ = false;
  if (receive_.bytes == 0 && receive_.error) return std::unexpected(receive_.error);
  return receive_.bytes;
}

bool Stream::SendAll::await_suspend(std::coroutine_handle<> waiter) noexcept {
  WEIR_VERIFY(stream_.sending_ == nullptr);
  waiter_ = waiter;
  op_.handle = &stream_.handle_;
  op_.kind = OpKind::send;
  op_.complete = &SendAll::completed;
  op_.self = this;
  stream_.sending_ = &op_;
  stream_.send_cancelled_ = false;
  if (stream_.layer_ != nullptr) [[unlikely]] {
    op_.complete = &SendAll::completed_sealed;
    if (!go_on_sealed()) return true;
  } else if (!go_on()) {
    return true;
  }
  stream_.sending_ = nullptr;
  return false;
}

bool Stream::SendAll::go_on() noexcept {
  do {
    op_.slices = {slices_.data(), static_cast<std::uint32_t>(slices_.size())};
    if (!stream_.reactor_.start(op_)) return false;
  } while (!advance());
  return true;
}

bool Stream::SendAll::advance() noexcept {
  const std::size_t sent = op_.bytes;
  if (sent == 0 && op_.error) return true;
  op_.error = {};
  stream_.last_progress_ = stream_.reactor_.now();
  drop_front(sent);
  if (slices_.empty()) return true;
  if (stream_.send_cancelled_) op_.error = Errc::cancelled;
  return stream_.send_cancelled_;
}

void Stream::SendAll::completed(Op& op) noexcept {
  SendAll& self = *static_cast<SendOp&>(op).self;
  if (!self.advance() && !self.go_on()) return;
  self.stream_.sending_ = nullptr;
  self.waiter_.resume();
}

Result<void> Stream::SendAll::await_resume() const noexcept {
  if (op_.error) return std::unexpected(op_.error);
  return {};
}

bool Stream::Connecting::await_suspend(std::coroutine_handle<> waiter) noexcept {
  WEIR_VERIFY(stream_.sending_ == nullptr);
  waiter_ = waiter;
  op_.handle = &stream_.handle_;
  op_.kind = OpKind::connect;
  op_.connect = {&to_};
  op_.self = this;
  op_.complete = [](Op& op) noexcept {
    Connecting& self = *static_cast<ConnectOp&>(op).self;
    self.stream_.sending_ = nullptr;
    self.waiter_.resume();
  };
  stream_.sending_ = &op_;
  if (!stream_.reactor_.start(op_)) return true;
  stream_.sending_ = nullptr;
  return false;
}

Result<void> Stream::Connecting::await_resume() const noexcept {
  stream_.touch();
  if (op_.error) return std::unexpected(op_.error);
  return {};
}

void Stream::cancel(Direction direction) noexcept {
  if (direction != Direction::out && armed()) {
    if (layer_ != nullptr) layer_->pending.receive_cancelled = true;
    reactor_.cancel(receive_);
  }
  if (direction != Direction::in && sending_) {
    send_cancelled_ = true;
    reactor_.cancel(*sending_);
  }
}

void Stream::close_now() noexcept {
  WEIR_VERIFY(!armed() && sending_ == nullptr);
  if (handle_.is_open()) reactor_.backend().close(handle_);
  input_.reset();
  has_result_ = false;
  notice_ = nullptr;
  if (layer_ != nullptr) {
    layer_->pending.received.reset();
    layer_->pending.to_send.reset();
  }
}

Task<void> Stream::close() {
  notice_ = nullptr;
  if (armed()) {
    cancel(Direction::in);
    auto dropped = co_await receive();
    static_cast<void>(dropped);
  }
  close_now();
}

}  // namespace weir
