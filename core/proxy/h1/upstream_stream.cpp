#include "core/proxy/h1/upstream_stream.hpp"

#include "core/proxy/connection_fields.hpp"
#include "core/proxy/h1/head_writer.hpp"

namespace weir::proxy::h1 {
namespace {

// A head grows into the room behind it; with less than this the bytes are moved to the front of their block first.
constexpr std::size_t worth_receiving_into = 4096;

}  // namespace

UpstreamStream::UpstreamStream(UpstreamSide& side, UpstreamLink& link, bool kept) noexcept
    : side_(side), link_(link), stream_(link.stream), kept_(kept), head_(side.parsers_), out_(side.writers_) {}

bool UpstreamStream::start_connect(const Address& address, std::coroutine_handle<> waiter) noexcept {
  connecting_.emplace(stream_, address);
  return !connecting_->await_suspend(waiter);
}

Result<void> UpstreamStream::take_connected() noexcept {
  const Result<void> connected = connecting_->await_resume();
  connecting_.reset();
  return connected;
}

bool UpstreamStream::lay_out(const ForwardRequest& plan, const BodyPart& first) noexcept {
  method_ = plan.head->method;
  limits_ = plan.limits;
  request_framing_ = plan.body.framing;
  out_.open(side_.reactor_.buffers());
  write_request_head(plan, *out_);
  write_body_part(first, request_framing_, *out_);
  return !out_->overflowed();
}

bool UpstreamStream::lay_out(const BodyPart& part) noexcept {
  out_.open(side_.reactor_.buffers());
  write_body_part(part, request_framing_, *out_);
  return !out_->overflowed();
}

bool UpstreamStream::start_send(std::coroutine_handle<> waiter) noexcept {
  send_.emplace(stream_, out_->slices());
  return send_->await_ready() || !send_->await_suspend(waiter);
}

Result<void> UpstreamStream::take_sent() noexcept {
  Result<void> sent = std::unexpected(Error(Errc::limit_exceeded));  // it could not be laid out
  if (send_) sent = send_->await_resume();
  send_.reset();
  out_.release();
  return sent;
}

// True: a result is there, the end included.
bool UpstreamStream::receive_more() noexcept {
  Buffer& input = stream_.input();
  if (input && input.room().size() < worth_receiving_into) input.compact();
  stream_.arm();
  return stream_.has_result();
}

bool UpstreamStream::can_read_head() noexcept { return !head_needs_more_ || receive_more(); }

HeadRead UpstreamStream::take_head() noexcept {
  HeadRead read;
  if (head_needs_more_) {
    const Result<std::size_t> got = stream_.take_result();
    if (!got || *got == 0) {
      read.cut = got ? Cut::upstream_closed : cut_of_upstream(got.error());
      return read;
    }
    answered_ = true;
  }
  return parse_head();
}

HeadRead UpstreamStream::parse_head() noexcept {
  HeadRead read;
  if (!head_) head_.open(*limits_, method_);
  const http::Parse verdict = head_->parse(stream_.input().view());
  head_needs_more_ = verdict == http::Parse::need_more;
  if (verdict == http::Parse::refused) {
    read.cut = Cut::bad_response;
    read.word = head_->refusal().word;
  }
  if (verdict != http::Parse::complete) return read;
  const http::ResponseHead& head = head_->head();
  read.head = &head;
  pending_ = head.size;
  body_.reset(head.framing, head.content_length, *limits_);
  if (!head.keep_alive || head.framing == http::Framing::until_close) upstream_keeps_ = false;
  if (const Duration announced = announced_timeout(head); announced >= Duration{}) link_.announced = announced;
  return read;
}

void UpstreamStream::taken() noexcept {
  stream_.input().consume(std::exchange(pending_, 0));
  if (!head_) return;
  head_needs_more_ = stream_.input().empty();  // if it was an interim head, the next one may be here
  head_.release();
}

bool UpstreamStream::has_part() const noexcept { return body_.state() != http::BodyReader::State::open || !unread().empty(); }

bool UpstreamStream::can_read() noexcept {
  if (has_part()) return true;
  stream_.input().reset();  // no block is held while nothing comes
  stream_.arm();
  return stream_.has_result();
}

PartRead UpstreamStream::take_part() noexcept {
  PartRead read;
  if (stream_.has_result()) {
    const Result<std::size_t> got = stream_.take_result();
    if (!got || *got == 0) {
      read.by_close = got && body_.end_by_close();
      read.part.last = read.by_close;
      if (!read.by_close) read.cut = got ? Cut::upstream_closed : cut_of_upstream(got.error());
      return read;
    }
  }
  const http::BodyReader::Step step = body_.next(unread());
  pending_ += step.consumed;
  read.part = step.part;
  if (body_.state() == http::BodyReader::State::refused) {
    read.cut = Cut::bad_response;
    read.word = body_.refusal_word();
  }
  return read;
}

RelayEnd& UpstreamStream::tunnel_end() noexcept {
  if (!tunnel_) tunnel_.emplace(stream_);
  return *tunnel_;
}

void UpstreamStream::finish(bool complete) noexcept {
  const bool reusable = complete && upstream_keeps_ && !tunnel_ && body_.state() == http::BodyReader::State::done;
  UpstreamLink& link = link_;
  side_.streams_.destroy(this);
  link.give_back(reusable);
}

void UpstreamSide::watch(TrimTimer& trim) {
  trim.watch(streams_, TrimTimer::Worth::no);
  trim.watch(writers_, TrimTimer::Worth::no);
  trim.watch(parsers_, TrimTimer::Worth::no);
}

}  // namespace weir::proxy::h1
