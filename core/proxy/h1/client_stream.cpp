#include "core/proxy/h1/client_stream.hpp"

#include <algorithm>

#include "core/proxy/engine.hpp"
#include "core/proxy/h1/client_connection.hpp"
#include "core/proxy/h1/client_side.hpp"
#include "core/proxy/h1/head_writer.hpp"

namespace weir::proxy::h1 {
namespace {

// A connection that ends with its exchange is watched for the client's leaving only when the answer takes longer than
// this: most never need to be made known to the kernel's event mechanism.
constexpr Duration late_watch = std::chrono::milliseconds{50};
// Of a first line that is logged although it was refused.
constexpr std::size_t longest_first_line = 256;

bool may_have_body(std::uint16_t status) noexcept { return status >= 200 && status != 204 && status != 304; }

}  // namespace

ClientStream::ClientStream(ClientConnection& connection) noexcept
    : proxy::ClientStream(connection.side.engine.reactor, connection.timer(), connection.pinned),
      connection_(connection),
      snapshot_(connection.slot().snapshot),
      stream_(connection.stream),
      out_(connection.side.writers) {
  const Engine& engine = connection.side.engine;
  info_.peer = &connection.peer;
  info_.connection = &connection.stream.handle();
  info_.listener = connection.slot().index;
  info_.trusted = connection.trusted;
  info_.started = engine.reactor.now();
  if (engine.logs_access()) info_.started_wall = engine.reactor.backend().wall_time();
  parser_.reset(snapshot_->spec->limits);
  deadline().set_watcher(this);
}

ClientStream::~ClientStream() = default;

// ---- the request ----------------------------------------------------------------------------------------------------

http::Parse ClientStream::parse() noexcept {
  const http::Parse verdict = parser_.parse(stream_.input().view());
  if (verdict == http::Parse::complete) head_complete();
  return verdict;
}

void ClientStream::head_complete() noexcept {
  const http::RequestHead& head = parser_.head();
  head_ = &head;
  info_.head_at = connection_.side.engine.reactor.now();
  minor_version_ = head.minor_version;
  request_bytes_ = static_cast<std::uint32_t>(parser_.skipped()) + head.size;
  request_body_.reset(head.framing, head.content_length, snapshot_->spec->limits);
  if (request_body_.state() == http::BodyReader::State::done) return;
  const std::string_view rest = stream_.input().view().substr(request_bytes_);
  if (head.framing == http::Framing::length && rest.size() >= head.content_length) {
    body_ = RequestBody::whole;
    whole_body_ = rest.substr(0, head.content_length);
    request_bytes_ += static_cast<std::uint32_t>(whole_body_.size());
  } else {
    body_ = RequestBody::streaming;
  }
}

bool ClientStream::body_unread() const noexcept {
  return body_ == RequestBody::streaming && request_body_.state() != http::BodyReader::State::done;
}

// The head keeps its block; what follows is read from it, and then from blocks of its own.
void ClientStream::hold_head() noexcept {
  if (request_bytes_ == 0) return;
  held_ = std::move(stream_.input());
  held_.consume(std::exchange(request_bytes_, 0));
}

Buffer& ClientStream::source() noexcept { return held_.empty() ? stream_.input() : held_; }
const Buffer& ClientStream::source() const noexcept { return held_.empty() ? stream_.input() : held_; }

bool ClientStream::has_part() const noexcept {
  return request_body_.state() != http::BodyReader::State::open || source().size() > pending_ + request_bytes_;
}

bool ClientStream::can_read() noexcept {
  hold_head();
  if (has_part()) return true;
  stream_.input().reset();  // no block is held while nothing comes
  stream_.arm();
  return stream_.has_result();
}

void ClientStream::wait_read(std::coroutine_handle<> waiter) noexcept { stream_.wait(waiter); }

PartRead ClientStream::take_part() noexcept {
  PartRead read;
  hold_head();
  if (held_.empty() && stream_.has_result()) {
    const Result<std::size_t> got = stream_.take_result();
    if (!got || *got == 0) {
      read.cut = got ? Cut::client_gone : cut_of_client(got.error());
      return read;
    }
  }
  const http::BodyReader::Step step = request_body_.next(source().view().substr(pending_));
  pending_ += step.consumed;
  read.part = step.part;
  if (request_body_.state() == http::BodyReader::State::refused) {
    read.cut = Cut::bad_body;
    read.word = request_body_.refusal_word();
  }
  return read;
}

void ClientStream::taken() noexcept {
  source().consume(std::exchange(pending_, 0));
  // The next request has begun in the head's block.
  if (!body_unread() && !held_.empty()) stream_.input() = std::move(held_);
}

// ---- the response ---------------------------------------------------------------------------------------------------

// Towards the client a body of unknown length is chunked, or ends with the connection where that is not understood.
void ClientStream::settle_framing(const ResponsePlan& plan) noexcept {
  const bool of_unknown_length = plan.framing == http::Framing::chunked || plan.framing == http::Framing::until_close;
  if (!of_unknown_length) {
    response_framing_ = plan.framing;
  } else {
    response_framing_ = minor_version_ >= 1 ? http::Framing::chunked : http::Framing::until_close;
  }
}

void ClientStream::settle_after(const ResponsePlan& plan) noexcept {
  if (plan.tunnel) {
    after_ = After::close;
  } else if (head_ == nullptr || body_unread() || head_->method == http::Method::connect) {
    // Whether the rest will ever be read is not known; and what follows a CONNECT was meant for its tunnel.
    after_ = After::linger;
  } else if (!head_->keep_alive || connection_.draining() || response_framing_ == http::Framing::until_close) {
    after_ = After::close;
  } else {
    after_ = After::keep;
  }
}

bool ClientStream::lay_out(const ResponsePlan& plan, const BodyPart& first) noexcept {
  settle_framing(plan);
  settle_after(plan);
  out_.open(connection_.side.engine.reactor.buffers());
  if (plan.head != nullptr) {
    write_received(plan);
  } else {
    write_own(plan);
  }
  write_body_part(first, response_framing_, *out_);
  responded_ = !out_->overflowed();
  return responded_;
}

void ClientStream::write_received(const ResponsePlan& plan) noexcept {
  ForwardResponse response;
  response.head = plan.head;
  response.rules = plan.rules;
  response.edits = plan.edits;
  response.request_id = plan.request_id;
  response.date = connection_.side.engine.http_date();
  response.client_minor_version = minor_version_;
  response.upgrade = plan.head->status == 101;
  if (!plan.tunnel) {
    response.close = after_ != After::keep;
    response.keep_alive_1_0 = after_ == After::keep && minor_version_ == 0;
    response.body = {response_framing_, plan.length};
    response.keep_length = plan.framing == http::Framing::none;
  }
  write_response_head(response, *out_);
}

void ClientStream::write_own(const ResponsePlan& plan) noexcept {
  http::SliceWriter& out = *out_;
  out.copy("HTTP/1.1 ");
  out.number(plan.status);
  out.copy(" ");
  out.copy(http::reason_phrase(plan.status));
  out.copy("\r\n");
  out.append_view(plan.lines);
  if (may_have_body(plan.status)) {
    out.copy("Content-Length: ");
    out.number(plan.length);
    out.copy("\r\n");
  }
  if (after_ != After::keep) {
    out.field("Connection", "close");
  } else if (minor_version_ == 0) {
    out.field("Connection", "keep-alive");
  }
  out.copy("\r\n");
}

// To clients that can understand them (RFC 9110 section 15.2).
bool ClientStream::lay_out_interim(const ResponsePlan& plan) noexcept {
  out_.open(connection_.side.engine.reactor.buffers());
  if (minor_version_ == 0) return true;
  ForwardResponse response;
  response.head = plan.head;
  response.rules = plan.rules;
  write_response_head(response, *out_);
  return !out_->overflowed();
}

bool ClientStream::lay_out(const BodyPart& part) noexcept {
  out_.open(connection_.side.engine.reactor.buffers());
  write_body_part(part, response_framing_, *out_);
  return !out_->overflowed();
}

bool ClientStream::start_send(std::coroutine_handle<> waiter) noexcept {
  send_.emplace(stream_, out_->slices());
  return send_->await_ready() || !send_->await_suspend(waiter);
}

Result<void> ClientStream::take_sent() noexcept {
  Result<void> sent = std::unexpected(Error(Errc::limit_exceeded));  // it could not be laid out
  if (send_) sent = send_->await_resume();
  send_.reset();
  out_.release();
  return sent;
}

// ---- the connection -------------------------------------------------------------------------------------------------

void ClientStream::cancel(Direction direction) noexcept { stream_.cancel(direction); }
TimePoint ClientStream::last_progress() const noexcept { return stream_.last_progress(); }

// The head stays for the log; bytes that the client sent behind it belong to the tunnel.
RelayEnd& ClientStream::tunnel_end() noexcept {
  stop_watching();
  stream_.acknowledge_received();
  hold_head();
  if (!tunnel_) tunnel_.emplace(stream_, &held_);
  return *tunnel_;
}

void ClientStream::watch(Events& events) noexcept {
  events_ = &events;
  const bool probably_kept = head_->keep_alive && !connection_.draining();
  if (probably_kept) {
    connection_.watch();  // costs nothing: the receive that waits for the next request is armed anyway
  } else {
    deadline().remind(late_watch, *this);
  }
}

void ClientStream::stop_watching() noexcept {
  events_ = nullptr;
  deadline().forget_reminder();
  connection_.stop_watching();
}

// Empty lines before it are not part of it.
std::string_view ClientStream::first_line() const noexcept {
  std::string_view bytes = source().view();
  bytes.remove_prefix(std::min(bytes.find_first_not_of("\r\n"), bytes.size()));
  return bytes.substr(0, std::min(bytes.find_first_of("\r\n"), longest_first_line));
}

void ClientStream::late(Late) noexcept { connection_.cut(Cut::head_timeout); }
void ClientStream::reminded() noexcept { connection_.watch(); }

void ClientStream::finish(bool complete) noexcept {
  stop_watching();
  if (pending_ > 0) taken();  // read of the client, though the upstream did not take it
  stream_.input().consume(std::exchange(request_bytes_, 0));
  if (complete && responded_) return;
  after_ = responded_ && response_framing_ == http::Framing::until_close ? After::reset : After::close;
}

}  // namespace weir::proxy::h1
