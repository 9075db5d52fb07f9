// Stream with a layer: what is received is opened before it is told of, what is sent is sealed a block at a time.
#include "core/net/stream.hpp"

namespace weir {
namespace {

// With less room than this behind them the sealed bytes are moved to the front of their block first.
constexpr std::size_t worth_receiving_into = 4096;

}  // namespace

void Stream::set_layer(StreamLayer& layer, Buffer received) noexcept {
  WEIR_VERIFY(!armed() && !has_result_ && sending_ == nullptr);
  layer_ = &layer;
  layer.pending.received = std::move(received);
  start_receive_ = &Stream::start_sealed;
  receive_.complete = &Stream::received_sealed;
  receive_.lease.into = &layer.pending.received;
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void Stream::start_sealed(Stream& stream) noexcept {
  if (stream.has_result_ || stream.armed()) return;
  Buffer& sealed = stream.layer_->pending.received;
  while (!stream.open_received()) {
    if (sealed.empty()) sealed.reset();  // no block is held while nothing comes
    if (sealed && sealed.room().size() < worth_receiving_into) sealed.compact();
    stream.layer_->pending.receive_cancelled = false;
    if (!stream.reactor_.start(stream.receive_)) return;
    if (stream.take_sealed()) return;
  }
}

void Stream::received_sealed(Op& op) noexcept {
  Stream& stream = *static_cast<ReceiveOp&>(op).self;
  if (!stream.take_sealed() && !stream.open_received()) {
    if (stream.layer_->pending.receive_cancelled) {
      stream.result_is(0, Errc::cancelled);
    } else {
      start_sealed(stream);
    }
  }
  if (stream.has_result_) stream.tell_result();
}

// After a receive of sealed bytes. True: there is something to tell; else they are to be opened.
bool Stream::take_sealed() noexcept {
  last_progress_ = reactor_.now();
  if (receive_.bytes > 0) return false;
  // An end that was not announced may have been made by somebody in between.
  return result_is(0, receive_.error ? receive_.error : Error(Errc::end_of_stream));
}

// Opens what is there. True: there is something to tell.
bool Stream::open_received() noexcept {
  StreamLayer& layer = *layer_;
  if (layer.pending.ended) return result_is(0, {});
  if (layer.pending.received.empty() && !layer.holds_plain()) return false;
  if (!input_) input_ = reactor_.buffers().take();
  if (!input_) return result_is(0, Errc::out_of_memory);
  if (input_.room().empty()) return result_is(0, Errc::bad_argument);
  std::size_t produced = 0;
  for (bool goes_on = true; goes_on && !layer.pending.ended && !input_.room().empty();) {
    const Result<StreamLayer::Opened> opened = layer.open(layer.pending.received.view(), input_.room());
    if (!opened) {
      if (produced > 0) break;  // the error comes again
      if (input_.empty()) input_.reset();
      return result_is(0, opened.error());
    }
    layer.pending.received.consume(opened->consumed);
    input_.commit(opened->produced);
    produced += opened->produced;
    layer.pending.ended = opened->ended;
    goes_on = opened->consumed + opened->produced > 0 && (layer.holds_plain() || !layer.pending.received.empty());
  }
  if (layer.pending.received.empty()) layer.pending.received.reset();
  if (produced > 0) return result_is(produced, {});
  if (input_.empty()) input_.reset();
  if (layer.pending.ended) return result_is(0, {});
  const bool too_large = layer.pending.received.size() == reactor_.buffers().block_size();
  return too_large && result_is(0, Errc::protocol_error);  // a whole block that cannot be opened
}

bool Stream::result_is(std::size_t bytes, Error error) noexcept {
  receive_.bytes = static_cast<std::uint32_t>(bytes);
  receive_.error = error;
  has_result_ = true;
  return true;
}

// ---- sending --------------------------------------------------------------------------------------------------------

bool Stream::SendAll::go_on_sealed() noexcept {
  Buffer& block = stream_.layer_->pending.to_send;
  for (;;) {
    if (block.empty()) {
      block.reset();
      if (slices_.empty() || !seal_some()) return true;
    }
    stream_.layer_->pending.slice = IoSlice(block.view());
    op_.slices = {&stream_.layer_->pending.slice, 1};
    if (!stream_.reactor_.start(op_)) return false;
    if (advance_sealed()) return true;
  }
}

bool Stream::SendAll::seal_some() noexcept {
  Buffer& block = stream_.layer_->pending.to_send;
  block = stream_.reactor_.buffers().take();
  if (!block) op_.error = Errc::out_of_memory;
  while (block && !slices_.empty()) {
    const Result<StreamLayer::Sealed> sealed = stream_.layer_->seal(slices_, block.room());
    if (!sealed) {
      op_.error = sealed.error();
      break;
    }
    if (sealed->taken == 0) break;  // the block is full
    block.commit(sealed->written);
    drop_front(sealed->taken);
  }
  if (!block.empty()) return true;
  if (!op_.error) op_.error = Errc::limit_exceeded;
  op_.bytes = 0;
  block.reset();
  return false;
}

// Takes over one result. What a cancelled send leaves of a block goes out before anything else: half a record would make
// all that follows unreadable.
bool Stream::SendAll::advance_sealed() noexcept {
  Buffer& block = stream_.layer_->pending.to_send;
  if (op_.bytes == 0 && op_.error) {
    if (op_.error.code != Errc::cancelled) block.reset();
    return true;
  }
  op_.error = {};
  stream_.last_progress_ = stream_.reactor_.now();
  block.consume(op_.bytes);
  const bool all_sent = block.empty() && slices_.empty();
  if (stream_.send_cancelled_ && !all_sent) op_.error = Errc::cancelled;
  return stream_.send_cancelled_ && !all_sent;
}

void Stream::SendAll::completed_sealed(Op& op) noexcept {
  SendAll& self = *static_cast<SendOp&>(op).self;
  if (!self.advance_sealed() && !self.go_on_sealed()) return;
  self.stream_.sending_ = nullptr;
  self.waiter_.resume();
}

}  // namespace weir
