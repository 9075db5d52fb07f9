// The way of an exchange to its upstream: choosing an endpoint, leasing or making a connection, sending the request,
// waiting for the response head, trying again where nothing can have happened twice.
#include "core/proxy/connection.hpp"
#include "core/proxy/engine.hpp"
#include "core/proxy/exchange.hpp"
#include "core/reactor/awaitables.hpp"

namespace weir::proxy {

namespace {

constexpr std::uint8_t max_attempts = 8;
constexpr int turns_to_close = 4;

// h2c would carry requests past the routes that a tunnel does not see.
bool may_upgrade(const http::RequestHead& head, const RouteSpec& route) noexcept {
  return head.connection_upgrade && route.allow_upgrade && head.framing == http::Framing::none &&
         !http::equal_ignoring_case(head.value_of(http::FieldId::upgrade).substr(0, 3), "h2c");
}

Ending ending_of(const Error& error) noexcept {
  if (is_local_exhaustion(error)) return Ending::overloaded;
  switch (error.code) {
    case Errc::connection_reset:
    case Errc::connection_aborted:
    case Errc::broken_pipe: return Ending::upstream_reset;
    default: return Ending::upstream_closed;
  }
}

std::uint16_t status_of(Ending ending) noexcept {
  switch (ending) {
    case Ending::bad_request: return 400;
    case Ending::body_too_large: return 413;
    case Ending::client_timeout: return 408;
    case Ending::no_endpoint:
    case Ending::all_down:
    case Ending::overloaded: return 503;
    case Ending::connect_timeout:
    case Ending::upstream_timeout:
    case Ending::total_timeout: return 504;
    default: return 502;
  }
}

}  // namespace

Task<void> Exchange::forward() {
  Upstream& upstream = engine_.pools.at(engine_.snapshot->upstream_of_route[route_index_]);
  upgrade_ = may_upgrade(request_.head(), *route_);
  if (streams_body_) {
    held_ = std::move(client_.stream.input());
    held_.consume(request_bytes_);
    request_bytes_ = 0;
  } else {
    client_.watch();
  }

  TriedSet tried;
  for (bool fresh = false; attempts_ < max_attempts && !interrupted();) {
    Endpoint* endpoint = upstream.pick(tried);
    if (!endpoint) {
      if (attempts_ == 0 && upstream.lacks_health()) failure_ = Ending::all_down;
      break;
    }
    ++attempts_;
    if (attempts_ > 1) ++engine_.counters.retries;
    auto trying = try_once(*endpoint, fresh);
    const Try outcome = co_await trying;
    if (outcome == Try::answered) co_return;
    if (outcome == Try::failed) break;
    if (reused_) {
      fresh = true;  // a kept connection was closed under us: the endpoint itself is not to blame
    } else {
      tried.add(upstream.index_of(*endpoint));
    }
  }
  auto failing = fail();
  co_await failing;
}

// Something at the client's end or at the top ends this exchange, whatever the upstream does.
bool Exchange::interrupted() const noexcept {
  return client_.stopped() || client_.client_reset() || client_.total_timed_out() || client_left_ ||
         (client_.timed_out() && client_.client_ended());
}

// A transfer under way is to end. What was cancelled may have moved bytes first, so every loop asks.
bool Exchange::is_cut() const noexcept { return interrupted() || client_.timed_out(); }

Task<Exchange::Try> Exchange::try_once(Endpoint& endpoint, bool fresh) {
  endpoint_ = &endpoint;
  connect_started_ = engine_.reactor.now();
  upstream_ = fresh ? nullptr : endpoint.take_idle();
  reused_ = upstream_ != nullptr;
  if (reused_) {
    ++engine_.counters.upstream_reuses;
  } else {
    auto connecting = connect(endpoint);
    const bool connected = co_await connecting;
    if (!connected) co_return Try::again;
  }
  connected_ = engine_.reactor.now();

  write_request();
  if (to_upstream_->overflowed()) {
    failure_ = Ending::overloaded;
    co_return Try::failed;
  }
  const bool streams = streams_body_;
  client_.enter(streams ? Phase::body : Phase::first_byte, streams ? route_->timeout.idle : route_->timeout.first_byte);
  auto sent = co_await upstream_->stream.send(to_upstream_->slices());
  sent_ = engine_.reactor.now();
  to_upstream_.release();
  if (!sent) {
    failure_ = client_.timed_out() ? Ending::upstream_timeout : ending_of(sent.error());
    if (may_retry()) {
      release_upstream(false);
      co_return Try::again;
    }
    if (client_.timed_out() || interrupted()) co_return Try::failed;
    // An upstream that refuses the request may have said why: its answer is still read.
  } else if (streams) {
    uploading_ = true;
    tasks_.spawn(upload());
  }
  auto waiting = await_response();
  const Try outcome = co_await waiting;
  co_return outcome;
}

void Exchange::write_request() noexcept {
  const http::RequestHead& head = request_.head();
  ForwardRequest request;
  request.head = &head;
  request.rules = &engine_.spec().forwarding;
  request.edit = route_->request_headers.empty() ? nullptr : &route_->request_headers;
  request.client = &client_.peer;
  request.client_trusted = client_.trusted;
  request.target = target_;
  request.host = rewritten_host_;
  request.request_id = request_id_;
  request.upgrade = upgrade_;
  request.body = {head.framing, head.content_length};
  to_upstream_.open(engine_.reactor.buffers());
  write_request_head(request, *to_upstream_);
  if (!buffered_body_.empty()) to_upstream_->append_view(buffered_body_);
}

// A new connection to one of the endpoint's addresses.
Task<bool> Exchange::connect(Endpoint& endpoint) {
  const std::vector<Address>& addresses = endpoint.spec().addresses;
  failure_ = Ending::no_endpoint;
  for (std::size_t i = 0; i < addresses.size() && !interrupted(); ++i) {
    auto connecting = connect_to(endpoint, addresses[i]);
    const bool connected = co_await connecting;
    if (connected) co_return true;
  }
  co_return false;
}

Task<bool> Exchange::connect_to(Endpoint& endpoint, const Address& address) {
  auto opened = engine_.pools.open(endpoint, address);
  // An idle connection makes room. Its receive ends first, as any that is cancelled: a turn or two later.
  const bool makes_room = !opened && is_local_exhaustion(opened.error()) && engine_.pools.give_up_one();
  for (int turn = 0; makes_room && turn < turns_to_close && !opened && is_local_exhaustion(opened.error()); ++turn) {
    NextTurn next(engine_.reactor);
    co_await next;
    opened = engine_.pools.open(endpoint, address);
  }
  if (!opened) {
    failure_ = ending_of(opened.error());
    co_return false;
  }
  upstream_ = *opened;
  ++engine_.counters.upstream_connects;
  client_.enter(Phase::connect, route_->timeout.connect);
  auto connected = co_await upstream_->stream.connect(address);
  if (connected && !interrupted()) {
    client_.forget_timeout();
    co_return true;
  }
  failure_ = client_.timed_out() ? Ending::connect_timeout : Ending::connect_refused;
  if (!client_.client_ended() && !client_.total_timed_out()) client_.forget_timeout();  // the next one has its own time
  release_upstream(false);
  co_return false;
}

// Nothing came back on a kept connection, so that its server most likely closed it before it saw the request; sending
// it once more is allowed for idempotent methods (RFC 9110 section 9.2.2) while the whole request is at hand.
bool Exchange::may_retry() const noexcept {
  return reused_ && !upstream_answered_ && !uploading_ && !streams_body_ && !client_.timed_out() && !interrupted() &&
         http::is_idempotent(request_.head().method);
}

Task<Exchange::Try> Exchange::await_response() {
  Stream& stream = upstream_->stream;
  for (http::Parse verdict = http::Parse::need_more; verdict != http::Parse::complete;) {
    if (bad_body_ || body_too_large_ || interrupted()) co_return Try::failed;  // found out while nothing was to cancel
    if (stream.input() && stream.input().room().size() < 4096) stream.input().compact();
    auto got = co_await stream.receive();
    if (!got || *got == 0) {
      failure_ = client_.timed_out() ? (upload_waits_for_client_ ? Ending::client_timeout : Ending::upstream_timeout)
                                     : ending_of(got ? Error{} : got.error());
      if (!may_retry()) co_return Try::failed;
      release_upstream(false);
      co_return Try::again;
    }
    if (!upstream_answered_) first_byte_ = engine_.reactor.now();
    upstream_answered_ = true;
    if (!response_) response_.open(engine_.spec().limits, request_.head().method);
    verdict = response_->parse(stream.input().view());
    while (verdict == http::Parse::complete && response_->head().status < 200 && response_->head().status != 101) {
      auto passing = pass_interim();
      co_await passing;
      response_.open(engine_.spec().limits, request_.head().method);
      verdict = stream.input().empty() ? http::Parse::need_more : response_->parse(stream.input().view());
    }
    if (verdict == http::Parse::refused || (verdict == http::Parse::complete && response_->head().status == 101 && !upgrade_)) {
      failure_ = Ending::bad_response;
      co_return Try::failed;
    }
  }
  auto delivering = deliver();
  co_await delivering;
  co_return Try::answered;
}

// 100 Continue, 103 Early Hints: to clients that can understand them (RFC 9110 section 15.2).
Task<void> Exchange::pass_interim() {
  Stream& stream = upstream_->stream;
  const http::ResponseHead& head = response_->head();
  if (request_.head().minor_version >= 1) {
    ForwardResponse response;
    response.head = &head;
    response.rules = &engine_.spec().forwarding;
    to_client_.open(engine_.reactor.buffers());
    write_response_head(response, *to_client_);
    client_.enter(Phase::body, route_->timeout.idle);
    auto sent = co_await client_.stream.send(to_client_->slices());
    static_cast<void>(sent);  // a client that is gone shows when the final response is sent
    if (!streams_body_ || upload_done_) client_.enter(Phase::first_byte, route_->timeout.first_byte);
  }
  stream.input().consume(head.size);
}

Task<void> Exchange::deliver() {
  const bool tunnels = response_->head().status == 101 ||
                       (request_.head().method == http::Method::connect && response_->head().status / 100 == 2);
  if (tunnels) {
    auto tunnelling = tunnel();
    co_await tunnelling;
  } else {
    auto relaying = relay_response();
    co_await relaying;
  }
}

// No response can be had: ends the upload, gives the connection back, answers by what went wrong.
Task<void> Exchange::fail() {
  auto stopping = stop_upload();
  co_await stopping;
  if (upstream_) release_upstream(false);
  if (streams_body_ && !upload_done_) {
    client_.keep = false;
    client_.linger = true;
  }
  Ending ending = failure_;
  bool answerable = true;
  if (client_.stopped()) {
    ending = Ending::stopped;
    answerable = false;
  } else if (client_.client_reset() || client_left_ || (client_.client_ended() && client_.timed_out())) {
    ending = Ending::client_closed;
    answerable = false;
  } else if (client_.total_timed_out()) {
    ending = Ending::total_timeout;
  } else if (body_too_large_) {
    ending = Ending::body_too_large;
  } else if (bad_body_) {
    ending = Ending::bad_request;
  }
  if (client_.total_timed_out()) {
    client_.set_total_deadline(TimePoint::max());  // the answer has its own time
    client_.keep = false;
  }
  client_.forget_timeout();
  if (answerable) {
    auto answering = answer_error(status_of(ending), ending);
    co_await answering;
  } else {
    client_.keep = false;
    ending_ = ending;
  }
}

void Exchange::release_upstream(bool reusable) noexcept {
  UpstreamConnection* connection = std::exchange(upstream_, nullptr);
  connection->pool.give_back(*connection, reusable);
}

}  // namespace weir::proxy
