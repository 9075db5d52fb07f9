#include "tests/sim/sim_origin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/reactor/awaitables.hpp"

namespace weir::sim {

Task<void> SimOrigin::run() {
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = options_.address;
  spec.backlog = options_.backlog;
  const Error opened = reactor_.backend().open(listener_, spec);
  WEIR_VERIFY(!opened);
  const Error attached = reactor_.backend().attach(listener_);
  WEIR_VERIFY(!attached);
  Scope serving;
  co_await accept_all(serving);
  reactor_.backend().close(listener_);
  co_await serving.join();
}

void SimOrigin::stop() noexcept {
  stopping_ = true;
  stop_.cancel();
  if (accepting_) reactor_.cancel(*accepting_);
  for (Wire* wire : wires_) wire->give_up();
}

Task<void> SimOrigin::accept_all(Scope& serving) {
  const CancelToken token = stop_.token();
  while (!stopping_) {
    auto accepted = std::make_unique<Handle>();
    Accept accepting(reactor_, listener_, *accepted, nullptr);
    accepting_ = &accepting.op();
    auto got = co_await accepting;
    accepting_ = nullptr;
    if (got) {
      ++accepted_;
      Handle* handle = accepted.release();
      serving.spawn(serve(handle));
      continue;
    }
    if (stopping_) break;
    const TimePoint deadline = reactor_.now() + std::chrono::milliseconds(10);
    SleepUntil waiting(reactor_, deadline, token);
    co_await waiting;
  }
}

// Owns the handle.
Task<void> SimOrigin::serve(Handle* accepted) {
  const std::unique_ptr<Handle> handle(accepted);
  Wire wire(reactor_, rng_.next(), *handle);
  wire.pause = options_.pause;
  wire.read_size = options_.read_size;
  if (rng_.chance(0.2)) wire.write_size = 1 + rng_.below(200);
  if (reactor_.backend().attach(*handle)) {
    wire.close(true);
    co_return;
  }
  wires_.push_back(&wire);
  if (stopping_) wire.give_up();
  Scope watching;
  CancelSource done;
  const CancelToken token = done.token();
  watching.spawn(watch(wire, options_.patience, token));
  co_await converse(wire);
  done.cancel();
  co_await watching.join();
  std::erase(wires_, &wire);
  wire.close(wire.wants_abort);
}

Task<void> SimOrigin::converse(Wire& wire) {
  for (bool fresh = true;; fresh = false) {
    const bool more = co_await one_request(wire, fresh);
    if (!more) co_return;
  }
}

PlannedExchange* SimOrigin::check_head(const TextHead& head) {
  const std::uint64_t id = head.number("x-exchange");
  PlannedExchange* exchange = ledger_.find(id);
  if (!exchange) {
    ledger_.violation(0, "a request that was never sent arrived: " + head.first_line);
    return nullptr;
  }
  if (head.count("x-exchange") != 1) ledger_.violation(id, "its id arrived more than once");
  const std::string expected = fmt::format("{} /exchange/{} HTTP/1.1", exchange->method, id);
  if (head.first_line != expected) ledger_.violation(id, "another request line arrived: " + head.first_line);
  if (head.count("host") > 1) ledger_.violation(id, "more than one Host arrived");
  if (head.count("host") == 0 && !exchange->http_1_0) ledger_.violation(id, "no Host arrived");
  if (!options_.direct && head.count("x-hop") != 0) ledger_.violation(id, "a field that Connection named arrived");
  if (head.count("content-length") + head.count("transfer-encoding") > 1) {
    ledger_.violation(id, "more than one framing arrived");
  }
  return exchange;
}

// True if the connection stays.
Task<bool> SimOrigin::one_request(Wire& wire, bool fresh) {
  Scope idling;
  CancelSource busy;
  if (!fresh && rng_.chance(options_.idle_close)) {
    const Duration span{
        static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(options_.idle_close_within.count())))};
    const CancelToken token = busy.token();
    wire.touch();
    idling.spawn(watch(wire, span, token));
  }
  TextHead head;
  const Got got = co_await wire.read_head(head);
  busy.cancel();
  co_await idling.join();
  if (got == Got::malformed) ledger_.violation(0, "a malformed request arrived: " + head.first_line);
  if (got != Got::whole) co_return false;
  PlannedExchange* exchange = check_head(head);
  if (!exchange) co_return false;
  ++requests_;
  ++exchange->arrived;
  exchange->arrived_fresh += fresh;
  if (!fresh && rng_.chance(options_.closes_kept)) {
    const bool dropped = co_await drop(wire, head, *exchange);
    co_return dropped;
  }

  const bool early = exchange->early && exchange->request_body != BodyKind::none;
  if (early) {
    const bool answered = co_await answer(wire, *exchange);
    if (!answered || exchange->expects_continue) co_return false;
  }
  const bool waits = head.has_token("expect", "100-continue") && !early;
  if (waits) {
    const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const bool sent = co_await wire.write(go_on);
    if (!sent) co_return false;
  }
  const bool whole = co_await take_body(wire, head, *exchange);
  if (!whole) co_return false;
  ++exchange->arrived_whole;
  if (!early) {
    const bool answered = co_await answer(wire, *exchange);
    if (!answered) co_return false;
  }
  co_return !exchange->origin_closes && !head.has_token("connection", "close");
}

// Takes the request, or its head, and is gone without a word. False.
Task<bool> SimOrigin::drop(Wire& wire, const TextHead& head, PlannedExchange& exchange) {
  wire.wants_abort = rng_.chance(0.3);
  const bool waits = head.has_token("expect", "100-continue");
  if (waits || rng_.chance(0.5)) co_return false;
  const bool whole = co_await take_body(wire, head, exchange);
  if (whole) ++exchange.arrived_whole;
  co_return false;
}

Task<bool> SimOrigin::take_body(Wire& wire, const TextHead& head, PlannedExchange& exchange) {
  BodyKind kind = BodyKind::none;
  std::uint64_t length = 0;
  if (head.count("transfer-encoding") > 0) {
    kind = BodyKind::chunked;
  } else if (head.count("content-length") > 0) {
    kind = BodyKind::length;
    length = head.number("content-length");
  }
  BodyCheck check{exchange.id, Side::request};
  const Got got = co_await wire.read_body(kind, length, check);
  if (check.wrong) ledger_.violation(exchange.id, "wrong bytes in the request's body");
  if (got == Got::malformed) ledger_.violation(exchange.id, "malformed chunks in the request");
  if (got != Got::whole) co_return false;
  if (check.received != exchange.request_length) {
    ledger_.violation(exchange.id,
                      fmt::format("{} bytes of {} arrived and look complete", check.received, exchange.request_length));
  }
  co_return true;
}

std::string SimOrigin::response_head(const PlannedExchange& exchange) {
  std::string head = fmt::format("HTTP/1.1 {} Status\r\nX-Exchange: {}\r\n", exchange.status, exchange.id);
  if (rng_.chance(0.3)) head += "Server: sim\r\n";
  if (rng_.chance(0.1)) head += "X-Filler: " + std::string(rng_.below(2000), 'f') + "\r\n";
  std::string connection = exchange.origin_closes ? "close" : "";
  if (rng_.chance(0.1)) {
    connection += connection.empty() ? "X-Origin-Hop" : ", X-Origin-Hop";
    head += "X-Origin-Hop: only to the next\r\n";
  }
  if (!connection.empty()) head += "Connection: " + connection + "\r\n";
  const bool framed = exchange.status != 204 && (exchange.has_response_body() || rng_.chance(0.5));
  if (framed && exchange.response_body == BodyKind::length) {
    head += fmt::format("Content-Length: {}\r\n", exchange.response_length);
  } else if (framed &&
             (exchange.response_body == BodyKind::chunked || exchange.response_body == BodyKind::chunked_trailers)) {
    head += "Transfer-Encoding: chunked\r\n";
    if (exchange.response_body == BodyKind::chunked_trailers) head += "Trailer: X-Check\r\n";
  }
  // Some servers frame what has no body (RFC 9112 section 6.3): it ends with its head all the same.
  if (exchange.status == 204 && !options_.direct && rng_.chance(0.3)) {
    head += rng_.chance(0.5) ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 5\r\n";
  }
  return head + "\r\n";
}

// True if the connection can go on.
Task<bool> SimOrigin::answer(Wire& wire, PlannedExchange& exchange) {
  if (exchange.think.count() > 0) {
    const bool slept = co_await wire.sleep(exchange.think);
    if (!slept) co_return false;
  }
  std::string text;
  for (int i = 0; i < exchange.informational; ++i) {
    text += fmt::format("HTTP/1.1 103 Early Hints\r\nLink: </{}.css>; rel=preload\r\n\r\n", i);
  }
  const bool answers = exchange.misdeed == Misdeed::none || exchange.misdeed == Misdeed::extra_response ||
                       exchange.misdeed == Misdeed::unasked;
  if (!answers) {
    const bool goes_on = co_await misbehave(wire, exchange);
    co_return goes_on;
  }
  text += response_head(exchange);
  if (exchange.misdeed == Misdeed::extra_response) {
    const bool all_sent = co_await answer_too_much(wire, exchange, text);
    co_return all_sent;
  }
  bool sent = co_await wire.write(text);
  if (sent && exchange.has_response_body()) {
    sent = co_await wire.write_body(exchange.response_body, exchange.id, Side::response, exchange.response_length,
                                    UINT64_MAX);
  }
  if (!sent) {
    ++ledger_.wasted_responses;
    co_return false;
  }
  const bool adds = exchange.misdeed == Misdeed::unasked && exchange.response_body != BodyKind::until_close;
  if (!adds || options_.direct) co_return true;
  const bool goes_on = co_await add_unasked(wire);
  co_return goes_on;
}

// A response and a second one, in one piece, so that this cannot be mistaken for a later answer.
Task<bool> SimOrigin::answer_too_much(Wire& wire, const PlannedExchange& exchange, std::string& text) {
  if (exchange.has_response_body()) text += body_part(exchange.id, Side::response, 0, exchange.response_length);
  text += "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Exchange: 999999\r\n\r\nwrong";
  const std::size_t write_size = std::exchange(wire.write_size, SIZE_MAX);
  const bool sent = co_await wire.write(text);
  wire.write_size = write_size;
  co_return sent;
}

// What comes after a whole answer without being requested: with it, or while the connection is idle or in use
// again. Servers do the last of these when their patience with an idle connection ends.
Task<bool> SimOrigin::add_unasked(Wire& wire) {
  static constexpr std::string_view bytes[] = {"\r\n", "?", "unasked for\r\n\r\n",
                                               "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"};
  if (rng_.chance(0.5)) {
    const Duration nap{static_cast<std::int64_t>(rng_.below(20'000'000))};
    const bool slept = co_await wire.sleep(nap);
    if (!slept) co_return false;
  }
  const std::string_view chosen = bytes[rng_.below(std::size(bytes))];
  const bool sent = co_await wire.write(chosen);
  const bool stays = sent && rng_.chance(0.7);
  co_return stays;
}

Task<bool> SimOrigin::misbehave(Wire& wire, PlannedExchange& exchange) {
  std::string head = response_head(exchange);
  wire.wants_abort = rng_.chance(0.5);
  switch (exchange.misdeed) {
    case Misdeed::dies_before_head: co_return false;
    case Misdeed::dies_in_head: head.resize(random_cut(head.size() - 1)); break;
    case Misdeed::garbage: {
      static constexpr std::string_view nonsense[] = {"\x16\x03\x01\x02",
                                                      "HTTP/1.1 abc Status\r\n\r\n",
                                                      "ICY 200 OK\r\n\r\n",
                                                      "HTTP/1.1 200 OK\nX: y\n\n",
                                                      "HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n",
                                                      "HTTP/1.1 200 OK\r\n folded: start\r\n\r\n"};
      head = std::string(nonsense[rng_.below(std::size(nonsense))]);
      head += std::string(rng_.below(100), 'g');
      break;
    }
    case Misdeed::bad_length:
      head = fmt::format("HTTP/1.1 200 OK\r\nX-Exchange: {}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                         exchange.id);
      break;
    case Misdeed::both_framings:
      head = fmt::format(
          "HTTP/1.1 200 OK\r\nX-Exchange: {}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          exchange.id);
      break;
    case Misdeed::bad_chunk:
      head = fmt::format("HTTP/1.1 {} Status\r\nX-Exchange: {}\r\nTransfer-Encoding: chunked\r\n\r\n", exchange.status,
                         exchange.id);
      if (exchange.has_response_body()) head += rng_.chance(0.5) ? "zz\r\n" : "-5\r\nhello\r\n";
      break;
    case Misdeed::stalls:
      for (;;) {
        const bool more = co_await wire.fill();
        if (!more) co_return false;
        wire.forget();
      }
    default: break;
  }
  bool sent = co_await wire.write(head);
  if (sent && exchange.misdeed == Misdeed::dies_in_body && exchange.has_response_body() &&
      exchange.response_length > 0) {
    const std::uint64_t stop_at = rng_.below(exchange.response_length);
    sent = co_await wire.write_body(exchange.response_body, exchange.id, Side::response, exchange.response_length,
                                    stop_at);
    // The plain end of a body that ends with the connection would say that it is whole.
    if (exchange.response_body == BodyKind::until_close) wire.wants_abort = true;
  }
  co_return false;
}

}  // namespace weir::sim
