#include "core/proxy/exchange.hpp"

#include <cstring>

#include "core/http/uri.hpp"
#include "core/proxy/connection.hpp"
#include "core/proxy/engine.hpp"

namespace weir::proxy {

Exchange::Exchange(ClientConnection& client) noexcept
    : client_(client), engine_(client.engine), to_upstream_(engine_.writers), to_client_(engine_.writers),
      response_(engine_.response_parsers) {}

Exchange::~Exchange() { WEIR_VERIFY(upstream_ == nullptr); }

Task<void> Exchange::run() {
  Stream& stream = client_.stream;
  ++engine_.counters.requests;
  started_ = engine_.reactor.now();
  if (engine_.logs_access()) started_wall_ = engine_.reactor.backend().wall_time();
  request_.reset(engine_.spec().limits);

  http::Parse verdict = request_.parse(stream.input().view());
  if (verdict == http::Parse::need_more) client_.enter(Phase::head, engine_.timeouts().head);
  while (verdict == http::Parse::need_more) {
    if (stream.input().room().size() < 4096) stream.input().compact();
    auto got = co_await stream.receive();
    if (!got || *got == 0) break;
    verdict = request_.parse(stream.input().view());
  }
  head_at_ = engine_.reactor.now();

  if (verdict == http::Parse::complete) {
    head_complete_ = true;
    auto dispatching = dispatch();
    co_await dispatching;
  } else if (verdict == http::Parse::refused) {
    client_.keep = false;
    client_.linger = true;
    make_request_id();
    refusal_ = request_.refusal().word;
    auto answering = answer_error(request_.refusal().status, Ending::bad_request);
    co_await answering;
  } else if (client_.timed_out() && request_.started()) {
    client_.keep = false;
    make_request_id();
    auto answering = answer_error(408, Ending::head_timeout);
    co_await answering;
  } else {
    client_.keep = false;
    ending_ = client_.stopped() ? Ending::stopped : Ending::client_closed;
  }
  if (request_bytes_ > 0) stream.input().consume(request_bytes_);
  request_bytes_ = 0;
  finish();
}

Task<void> Exchange::dispatch() {
  const http::RequestHead& head = request_.head();
  request_bytes_ = static_cast<std::uint32_t>(request_.skipped()) + head.size;
  take_buffered_body();
  client_.keep = head.keep_alive && !engine_.draining;
  choose_request_id();

  std::uint16_t refusal = 0;
  Ending ending = Ending::bad_request;
  if (!settle_target()) {
    refusal = 400;
  } else if (!find_route()) {
    refusal = 404;
    ending = Ending::no_route;
  } else if (route_->redirect && host_.empty()) {
    refusal = 400;  // HTTP/1.0 without Host: there is nowhere to redirect to
  } else if (head.method == http::Method::connect && !(route_->allow_connect && !route_->upstream.empty())) {
    refusal = 405;
  } else if (route_->max_body && body_left_ + body_in_ > route_->max_body) {
    refusal = 413;
    ending = Ending::body_too_large;
  }
  if (refusal) {
    auto answering = answer_error(refusal, ending);
    co_await answering;
    co_return;
  }
  if (route_->timeout.total > Duration{}) client_.set_total_deadline(started_ + route_->timeout.total);
  if (route_->respond) {
    auto responding = answer_respond(*route_->respond);
    co_await responding;
  } else if (route_->redirect) {
    auto redirecting = answer_redirect(*route_->redirect);
    co_await redirecting;
  } else {
    auto forwarding = forward();
    co_await forwarding;
  }
}

// Normalises the path and finds out the host. False: the target is refused.
bool Exchange::settle_target() noexcept {
  const http::RequestHead& head = request_.head();
  if (const auto authority = http::parse_authority(head.authority)) host_ = authority->host;
  if (head.form == http::TargetForm::authority || head.form == http::TargetForm::asterisk) {
    path_ = "/";
    target_ = head.target;
    return true;
  }
  std::array<char, 512> small;
  char* room = small.data();
  if (head.path.size() > small.size()) {
    if (!text_) text_ = engine_.reactor.buffers().take();
    if (!text_ || text_.room().size() < head.path.size() * 2) return false;
    room = text_.room().data();
    text_.commit(head.path.size());
  }
  const http::NormalPath normal = http::normalise_path(head.path, room);
  if (normal.verdict == http::PathVerdict::refused) {
    refusal_ = normal.word;
    return false;
  }
  if (normal.verdict == http::PathVerdict::unchanged) {
    path_ = head.path;
    target_ = head.form == http::TargetForm::origin ? head.target : keep_text(path_, head.query);
    return !target_.empty();
  }
  target_ = keep_text(normal.path, head.query);
  path_ = target_.substr(0, normal.path.size());
  return !target_.empty();
}

// The three texts one behind the other, kept until the exchange ends. Empty when there is no room.
std::string_view Exchange::keep_text(std::string_view a, std::string_view b, std::string_view c) noexcept {
  const std::size_t size = a.size() + b.size() + c.size();
  if (!text_) text_ = engine_.reactor.buffers().take();
  if (!text_ || text_.room().size() < size) return {};
  char* const out = text_.room().data();
  char* at = out;
  for (std::string_view part : {a, b, c}) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  text_.commit(size);
  return {out, size};
}

bool Exchange::find_route() noexcept {
  const http::RequestHead& head = request_.head();
  Router::Query query;
  query.listener = client_.listener;
  query.host = host_;
  query.path = path_;
  query.head = &head;
  route_index_ = engine_.snapshot->router.find(query);
  if (route_index_ == Router::none) return false;
  route_ = &engine_.snapshot->routes[route_index_];

  const Rewrite& rewrite = route_->rewrite;
  if (rewrite.host) rewritten_host_ = *rewrite.host;
  if (head.form == http::TargetForm::authority || head.form == http::TargetForm::asterisk) return true;
  if (rewrite.path) {
    target_ = keep_text(*rewrite.path, head.query);
  } else if (rewrite.prefix) {
    // /old/x with /old -> /new gives /new/x; a doubled slash at the seam is avoided.
    const std::string_view rest = behind_prefix(*route_, path_);
    std::string_view prefix = *rewrite.prefix;
    if (prefix.ends_with('/') && rest.starts_with('/')) prefix.remove_suffix(1);
    if (prefix.empty() && rest.empty()) prefix = "/";
    target_ = keep_text(prefix, rest, head.query);
  }
  return !target_.empty();
}

void Exchange::choose_request_id() noexcept {
  if (client_.trusted && engine_.spec().forwarding.request_id) {
    const std::string_view given = request_.head().value_of(http::FieldId::x_request_id);
    if (!given.empty() && given.size() <= 128) {
      request_id_ = given;
      return;
    }
  }
  make_request_id();
}

void Exchange::make_request_id() noexcept {
  if (!engine_.spec().forwarding.request_id) return;
  engine_.write_request_id(id_text_.data());
  request_id_ = {id_text_.data(), Engine::request_id_size};
}

// A body that came with the head is sent on with it, and can be sent again; any other one streams.
void Exchange::take_buffered_body() noexcept {
  const http::RequestHead& head = request_.head();
  streams_body_ = head.framing == http::Framing::chunked;
  if (head.framing != http::Framing::length) return;
  const std::string_view rest = client_.stream.input().view().substr(request_bytes_);
  if (rest.size() < head.content_length) {
    body_left_ = head.content_length;
    streams_body_ = true;
    return;
  }
  buffered_body_ = rest.substr(0, head.content_length);
  body_in_ = buffered_body_.size();
  request_bytes_ += static_cast<std::uint32_t>(buffered_body_.size());
}


void Exchange::finish() noexcept {
  if (status_ != 0) ++engine_.counters.responses;
  engine_.counters.bytes_in += body_in_;
  engine_.counters.bytes_out += body_out_;
  if (!engine_.logs_access() || (!head_complete_ && !request_.started())) return;

  const http::RequestHead& head = request_.head();
  AccessRecord record;
  record.started = started_wall_;
  const Address client =
      head_complete_ ? client_of(head, client_.peer, engine_.spec().forwarding) : client_.peer;
  record.client = &client;
  record.listener = engine_.spec().listeners[client_.listener].name;
  if (route_) {
    record.route = route_->name;
    record.upstream = route_->upstream;
  }
  if (endpoint_) record.endpoint = endpoint_->spec().text;
  if (head_complete_) {
    record.method = head.method_text;
    record.target = head.target;
    record.host = host_;
    record.referer = head.value_of(http::FieldId::referer);
    record.user_agent = head.value_of(http::FieldId::user_agent);
    record.minor_version = head.minor_version;
  }
  record.request_id = request_id_;
  record.status = status_;
  record.bytes_in = body_in_;
  record.bytes_out = body_out_;
  const TimePoint now = engine_.reactor.now();
  if (head_complete_) record.head = head_at_ - started_;
  if (connected_.ns) record.connect = connected_ - connect_started_;
  if (first_byte_.ns) record.first_byte = first_byte_ - sent_;
  record.total = now - started_;
  record.attempts = attempts_;
  record.reused = reused_;
  record.ending = ending_;
  engine_.log_access(record);
}

}  // namespace weir::proxy
