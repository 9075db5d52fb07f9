#include "core/proxy/exchange.hpp"

#include <algorithm>

#include "core/proxy/head_policy.hpp"
#include "core/proxy/pinned_links.hpp"

namespace weir::proxy {
namespace {

constexpr std::uint8_t max_attempts = 8;
// What is under way in a tunnel one end of which can only close, not say that nothing follows, gets this long.
constexpr Duration winding_down = std::chrono::seconds{1};

// A body that is still on its way would be taken for bytes of the tunnel.
bool may_upgrade(const http::RequestHead& head, const RouteSpec& route, RequestBody body) noexcept {
  return route.allow_upgrade && body != RequestBody::streaming && upgrade_may_pass(head);
}

}  // namespace

Exchange::Exchange(Engine& worker, ClientStream& asking) noexcept
    : ExchangeContext(worker, asking), attempt_(*this, upload_), upload_(*this), answer_(worker.writers) {
  client.deadline().set_watcher(this);
}

Exchange::~Exchange() = default;

Task<void> Exchange::run() {
  ++engine.counters.requests;
  has_head_ = true;
  choose_request_id();
  const Verdict verdict = examine();
  Task<void> acting;
  if (verdict.status != 0) {
    acting = answer_error(verdict.status, verdict.ending);
  } else if (route->respond) {
    acting = answer_respond(*route->respond);
  } else if (route->handled) {
    acting = answer_handled();
  } else if (route->redirect) {
    acting = answer_redirect(*route->redirect);
  } else if (max_forwards(client.head()) == 0) {
    acting = answer_last_hop();
  } else {
    acting = forward();
  }
  co_await acting;
}

// Whether the request can be served at all, and by which route.
Exchange::Verdict Exchange::examine() noexcept {
  const http::RequestHead& head = client.head();
  if (const Verdict verdict = settle_route(); verdict.status != 0) return verdict;
  if (route->redirect && host_.empty()) return {400, Ending::bad_request};  // HTTP/1.0 without Host: redirected whereto?
  const bool forbidden = (head.method == http::Method::connect && !may_connect()) ||
                         (head.method == http::Method::trace && !may_trace());
  if (forbidden) return {405, Ending::bad_request};
  if (!settle_edits()) {
    word_ = "expanded-too-long";
    return {431, Ending::bad_request};
  }
  if (route->max_body != 0 && head.framing == http::Framing::length && head.content_length > route->max_body)
    return {413, Ending::body_too_large};
  if (route->timeout.total > Duration{}) client.deadline().set_total(client.info().started + route->timeout.total);
  return {};
}

Task<void> Exchange::refuse(http::Refusal refusal) {
  ++engine.counters.requests;
  make_request_id();
  word_ = refusal.word;
  auto answering = answer_error(refusal.status, Ending::bad_request);
  co_await answering;
}

Task<void> Exchange::refuse(Cut why, bool logged) {
  if (logged) ++engine.counters.requests;
  logged_ = logged;
  make_request_id();
  const CutFacts& facts = facts_of(why);
  ending_ = facts.ending;
  if (facts.status != 0 && logged) {
    auto answering = answer_error(facts.status, facts.ending);
    co_await answering;
  } else {
    finish(false);
  }
}

// ---- what cuts an exchange ------------------------------------------------------------------------------------------

void Exchange::cut_off(Cut why, std::string_view word) noexcept {
  if (cut_ == Cut::none) {
    cut_ = why;
    if (!word.empty()) word_ = word;
  }
  upload_.stop();
  // A client that is to be answered is still listened to.
  client.cancel(facts_of(why).status == 0 || reads_whole_ ? Direction::both : Direction::out);
  if (attempt_.stream() != nullptr) attempt_.stream()->cancel(Direction::both);
  if (tunnel_ != nullptr) tunnel_->cancel();
}

void Exchange::late(Late what) noexcept {
  const bool drained = tunnel_ != nullptr && draining() && engine.state != RunState::finishing;
  if (what == Late::total) return cut_off(drained ? Cut::stopped : Cut::total_timeout);
  if (what == Late::half_closed) return cut_off(Cut::client_gone);
  switch (client.deadline().phase()) {
    case Phase::connect: return attempt_.fail(Cut::connect_timeout);
    case Phase::first_byte: return attempt_.fail(Cut::upstream_timeout);
    case Phase::tunnel: return tunnel_->cancel();
    default: return cut_off(culprit());
  }
}

// The server drains, or the listener by which the request came.
bool Exchange::draining() const noexcept {
  return engine.draining(snapshot->listeners[client.info().listener].state->slot);
}

void Exchange::drain() noexcept {
  if (tunnel_ == nullptr || engine.state == RunState::finishing) return;
  client.deadline().bound_total(now() + spec().runtime.shutdown.tunnels);
  client.deadline().enter(Phase::tunnel, route->timeout.tunnel);
}

// Who it is that neither sends nor reads.
Cut Exchange::culprit() const noexcept {
  const bool waits_for_client =
      awaited == Side::client || (awaited == Side::request && upload_.state() == Upload::State::reading);
  return waits_for_client ? Cut::client_timeout : Cut::upstream_timeout;
}

TimePoint Exchange::last_progress() const noexcept {
  const TimePoint of_client = client.last_progress();
  const UpstreamStream* upstream = const_cast<Attempt&>(attempt_).stream();
  return upstream == nullptr ? of_client : std::max(of_client, upstream->last_progress());
}

// It may only have said that its request is over, or it may be gone: for a while it is still owed an answer, and one that
// has begun may take its time.
void Exchange::client_half_closed() noexcept {
  if (status_ != 0) return;
  const Duration owed = engine.timeouts().half_closed;
  client.deadline().give_up_at(owed == Duration{} ? TimePoint::max() : now() + owed);
}

void Exchange::request_sent() noexcept {
  client.watch(*this);
  if (status_ == 0) client.deadline().enter(Phase::first_byte, route->timeout.first_byte);
}

// ---- forwarding -----------------------------------------------------------------------------------------------------

Task<void> Exchange::forward() {
  Upstream& upstream = snapshot.upstream(snapshot->upstream_of_route[route_index_]);
  upgrade_ = may_upgrade(client.head(), *route, client.body());
  if (client.body() != RequestBody::streaming) client.watch(*this);
  ForwardRequest request;
  prepare_request(request);

  TriedSet tried;
  bool fresh = false;
  bool again = true;
  while (again && attempts_ < max_attempts && !is_cut()) {
    const bool may_be_own = attempts_ == 0 && !client.pinned().empty();
    Endpoint* endpoint = may_be_own ? client.pinned().endpoint_of(upstream) : nullptr;
    if (endpoint == nullptr) endpoint = upstream.pick(tried);
    if (endpoint == nullptr) {
      if (attempts_ == 0) attempt_.fail(upstream.lacks_health() ? Cut::all_down : Cut::no_endpoint);
      break;
    }
    if (++attempts_ > 1) ++engine.counters.retries;
    auto trying = attempt_.run(*endpoint, fresh, request);
    co_await trying;
    again = !is_cut() && try_again(*endpoint, tried, fresh);
  }
  Task<void> ending;
  if (attempt_.head() == nullptr || is_cut()) {
    ending = fail();
  } else if (attempt_.head()->status == 101 || (client.head().method == http::Method::connect && attempt_.head()->status / 100 == 2)) {
    ending = tunnel();
  } else {
    ending = relay_response();
  }
  co_await ending;
}

void Exchange::prepare_request(ForwardRequest& request) const noexcept {
  const http::RequestHead& head = client.head();
  request.head = &head;
  request.rules = &spec().forwarding;
  request.limits = &spec().limits;
  if (!request_edit_.empty()) request.edits = {&request_edit_, 1};
  request.client = client.info().peer;
  request.client_trusted = client.info().trusted;
  request.scheme = client.info().scheme;
  request.target = target_;
  request.host = rewritten_host_;
  request.request_id = request_id_;
  request.upgrade = upgrade_;
  request.body = {head.framing, head.content_length};
}

// After an attempt: whether another one follows, and how.
bool Exchange::try_again(const Endpoint& endpoint, TriedSet& tried, bool& fresh) noexcept {
  if (attempt_.head() != nullptr) return false;
  note_failure(facts_of(attempt_.failure()).ending, attempt_.failure_word());
  const Retry retry = attempt_.retry();
  if (retry == Retry::never) return false;
  attempt_.release(false);
  if (retry == Retry::if_unanswered) {
    fresh = true;  // a kept connection was closed under us: the endpoint itself is not to blame
  } else {
    tried.add(endpoint.index());
  }
  return true;
}

// No response can be had: ends the upload, gives the stream back, answers by what went wrong.
Task<void> Exchange::fail() {
  upload_.stop();
  co_await upload_.join();
  attempt_.release(false);
  if (word_.empty()) word_ = attempt_.failure_word();
  const CutFacts& facts = facts_of(is_cut() ? cut_ : attempt_.failure());
  cut_ = Cut::none;
  client.deadline().set_total(TimePoint::max());  // the answer has its own time
  if (facts.status != 0) {
    auto answering = answer_error(facts.status, facts.ending);
    co_await answering;
  } else {
    ending_ = facts.ending;
    finish(false);
  }
}

// ---- the response ---------------------------------------------------------------------------------------------------

void Exchange::plan_response(ResponsePlan& plan) noexcept {
  const http::ResponseHead& head = *attempt_.head();
  status_ = head.status;
  plan.status = head.status;
  plan.head = &head;
  plan.edits = response_edits();
  plan.rules = &spec().forwarding;
  plan.request_id = request_id_;
  plan.framing = head.framing;
  plan.length = head.content_length;
  client.deadline().forget_half_close();
  client.deadline().enter(Phase::body, route->timeout.idle);
  awaited = Side::client;
}

Task<void> Exchange::relay_response() {
  UpstreamStream& upstream = *attempt_.stream();
  ResponsePlan plan;
  plan_response(plan);
  PartRead read = upstream.read_at_hand();
  auto sent = co_await client.respond(plan, read.part);
  if (!sent && sent.error().code == Errc::limit_exceeded) {  // its head does not fit: nothing was sent
    status_ = 0;
    attempt_.fail(Cut::bad_response, "head-too-large");
    auto failing = fail();
    co_await failing;
    co_return;
  }
  while (part_passed(sent, read) && !read.part.last) {
    upstream.taken();
    awaited = Side::upstream;
    read = co_await upstream.read_body();
    if (read.by_close && upload_.under_way()) {
      // A reset that the upload met first is not reported again, so this end may be none. The upload knows.
      upload_.stop();
      co_await upload_.join();
    }
    if (read.by_close && upload_.state() == Upload::State::broken) read = {{}, Cut::upstream_reset};
    awaited = Side::client;
    const bool sendable = read.part.size > 0 || read.part.last;
    if (sendable) sent = co_await client.write_body(read.part);
  }
  upstream.taken();
  // A client that leaves when it has got everything has cut nothing.
  const bool whole = sent && read.part.last && read.cut == Cut::none;
  // An upstream that has refused the request does not want the rest of it; any other one may.
  if (!whole || status_ >= 400) upload_.stop();
  awaited = Side::request;
  co_await upload_.join();
  end_response(whole);
}

// A part was sent, as far as there was one. False: nothing can follow.
bool Exchange::part_passed(const Result<void>& sent, const PartRead& read) noexcept {
  if (sent) {
    body_out_ += read.part.size;
  } else {
    cut_off(cut_of_client(sent.error()));
  }
  if (read.cut != Cut::none) cut_off(read.cut, read.word);
  return !is_cut();
}

void Exchange::end_response(bool whole) noexcept {
  if (upload_.state() == Upload::State::broken && status_ < 400) cut_off(Cut::upstream_closed);
  const bool request_whole = client.body() != RequestBody::streaming || upload_.state() == Upload::State::done;
  const bool complete = whole && request_whole;
  ending_ = complete ? Ending::ok : facts_of(cut_).ending;
  attempt_.release(complete);
  finish(whole);
}

// After 101 Switching Protocols or a successful CONNECT, bytes go both ways until both sides have ended.
Task<void> Exchange::tunnel() {
  UpstreamStream& upstream = *attempt_.stream();
  ResponsePlan plan;
  plan_response(plan);
  plan.tunnel = true;
  const BodyPart nothing;
  const auto sent = co_await client.respond(plan, nothing);
  upstream.taken();
  if (sent && !is_cut()) {
    Relay relay(client.tunnel_end(), upstream.tunnel_end(), [](void* exchange) noexcept {
      auto& self = *static_cast<Exchange*>(exchange);
      self.client.deadline().enter(Phase::tunnel, winding_down);
    }, this);
    tunnel_ = &relay;
    client.deadline().enter(Phase::tunnel, route->timeout.tunnel);
    if (draining()) drain();
    std::atomic<std::uint32_t>& tunnels = snapshot->listeners[client.info().listener].state->tunnels;
    tunnels.fetch_add(1, std::memory_order_relaxed);
    auto relaying = relay.run();
    co_await relaying;
    tunnels.fetch_sub(1, std::memory_order_relaxed);
    tunnel_ = nullptr;
    tunnel_in_ = relay.from_a();
    body_out_ = relay.from_b();
  }
  ending_ = cut_ == Cut::stopped ? Ending::stopped : sent ? Ending::tunnel_closed : Ending::client_closed;
  attempt_.release(false);
  finish(false);
}

}  // namespace weir::proxy
