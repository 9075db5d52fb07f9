#include "core/proxy/attempt.hpp"

#include "core/proxy/connection_fields.hpp"
#include "core/proxy/pinned_links.hpp"
#include "core/reactor/awaitables.hpp"

namespace weir::proxy {
namespace {

// A kept connection that makes room for another one is closed when its receive has ended: a turn or two later.
constexpr int turns_to_close = 4;

}  // namespace

Task<void> Attempt::run(Endpoint& endpoint, bool fresh, const ForwardRequest& request) {
  WEIR_VERIFY(stream_ == nullptr);
  record_ = {};
  record_.endpoint = &endpoint;
  record_.started = context_.now();
  stream_ = fresh ? nullptr : take_kept(endpoint);
  record_.kept = stream_ != nullptr;
  if (record_.kept) {
    ++context_.engine.counters.upstream_reuses;
  } else {
    auto connecting = connect(endpoint);
    co_await connecting;
    if (!goes_on()) co_return;
  }
  record_.connected = context_.now();

  ClientStream& client = context_.client;
  if (logs_in(client.head())) stream_->pin_to(client.pinned());
  const RouteSpec& route = *context_.route;
  const bool streams = client.body() == RequestBody::streaming;
  client.deadline().enter(streams ? Phase::body : Phase::first_byte, streams ? route.timeout.idle : route.timeout.first_byte);
  const std::string_view body = client.whole_body();
  BodyPart first;
  first.pieces = {&body, body.empty() ? std::size_t{0} : std::size_t{1}};
  first.size = body.size();
  const auto sent = co_await stream_->request(request, first);
  record_.sent = context_.now();
  if (!sent && goes_on()) {
    // An upstream that refuses the request may have said why: its answer is still read, unless it can be asked again.
    const Cut why = cut_of_upstream(sent.error());
    if (why == Cut::overloaded || repeatable()) fail(why);
  } else if (streams && goes_on()) {
    upload_.start(*stream_);
  }
  if (!goes_on()) co_return;
  auto waiting = await_head(request.upgrade);
  co_await waiting;
}

// What the client has logged in on comes first.
UpstreamStream* Attempt::take_kept(Endpoint& endpoint) noexcept {
  UpstreamSource& source = *context_.engine.source;
  PinnedLinks& pinned = context_.client.pinned();
  UpstreamStream* own = pinned.empty() ? nullptr : source.take_pinned(endpoint, pinned);
  if (own != nullptr) return own;
  return source.take_kept(endpoint, may_be_sent_twice() ? Reuse::any : Reuse::recent);
}

// A new connection to one of the endpoint's addresses, each with its own time.
Task<void> Attempt::connect(Endpoint& endpoint) {
  const std::vector<Address>& addresses = endpoint.addresses();
  record_.failure = Cut::no_endpoint;
  for (std::size_t i = 0; i < addresses.size() && !context_.is_cut(); ++i) {
    record_.failure = Cut::none;
    auto connecting = connect_to(endpoint, addresses[i]);
    const bool connected = co_await connecting;
    if (connected) co_return;
  }
}

Task<bool> Attempt::connect_to(Endpoint& endpoint, const Address& address) {
  UpstreamSource& source = *context_.engine.source;
  auto opened = source.open(endpoint, address);
  const bool makes_room = !opened && cut_of_upstream(opened.error()) == Cut::overloaded && source.make_room();
  for (int turn = 0; makes_room && turn < turns_to_close && !opened; ++turn) {
    NextTurn next(context_.engine.reactor);
    co_await next;
    opened = source.open(endpoint, address);
  }
  if (!opened) {
    record_.failure = cut_of_connect(opened.error());
    co_return false;
  }
  stream_ = *opened;
  ++context_.engine.counters.upstream_connects;
  context_.client.deadline().enter(Phase::connect, context_.route->timeout.connect);
  const auto connected = co_await stream_->connect(address);
  if (connected && goes_on()) co_return true;
  if (goes_on()) record_.failure = cut_of_connect(connected.error());
  release(false);
  co_return false;
}

Task<void> Attempt::await_head(bool may_switch) {
  while (goes_on()) {
    const HeadRead read = co_await stream_->response();
    if (record_.first_byte.ns == 0 && stream_->answered()) record_.first_byte = context_.now();
    if (!goes_on()) co_return;
    if (read.cut != Cut::none) co_return fail(read.cut, read.word);
    if (read.head == nullptr) continue;
    const std::uint16_t status = read.head->status;
    if (status == 101 && !may_switch) co_return fail(Cut::bad_response, "unasked-upgrade");
    if (status >= 200 || status == 101) {
      if (offers_login(*read.head)) stream_->pin_to(context_.client.pinned());
      head_ = read.head;
      co_return;
    }
    auto passing = pass_interim(*read.head);
    co_await passing;
  }
}

// 100 Continue, 103 Early Hints.
Task<void> Attempt::pass_interim(const http::ResponseHead& head) {
  ClientStream& client = context_.client;
  const Timeouts& timeout = context_.route->timeout;
  ResponsePlan plan;
  plan.status = head.status;
  plan.head = &head;
  plan.rules = &context_.spec().forwarding;
  client.deadline().enter(Phase::body, timeout.idle);
  context_.awaited = Side::client;
  const auto sent = co_await client.interim(plan);
  static_cast<void>(sent);  // a client that is gone shows when the final response is sent
  context_.awaited = Side::request;
  if (!upload_.under_way() && goes_on()) client.deadline().enter(Phase::first_byte, timeout.first_byte);
  stream_->taken();
}

// Nothing came back on a kept connection, so its server most likely closed it before it saw the request; sending it once
// more is allowed for idempotent methods (RFC 9110 section 9.2.2) while the whole request is at hand.
bool Attempt::repeatable() const noexcept {
  return record_.kept && record_.first_byte.ns == 0 && may_be_sent_twice();
}

bool Attempt::may_be_sent_twice() const noexcept {
  return context_.client.body() != RequestBody::streaming && http::is_idempotent(context_.client.head().method);
}

Retry Attempt::retry() const noexcept {
  const Retry retry = facts_of(record_.failure).retry;
  return retry == Retry::if_unanswered && !repeatable() ? Retry::never : retry;
}

void Attempt::fail(Cut why, std::string_view word) noexcept {
  if (record_.failure == Cut::none) {
    record_.failure = why;
    word_ = word;
  }
  if (stream_ != nullptr) stream_->cancel(Direction::both);
}

void Attempt::release(bool complete) noexcept {
  if (UpstreamStream* stream = std::exchange(stream_, nullptr)) stream->finish(complete);
  head_ = nullptr;
}

}  // namespace weir::proxy
