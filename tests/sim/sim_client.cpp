#include "tests/sim/sim_client.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/reactor/awaitables.hpp"

namespace weir::sim {
namespace {

constexpr Duration continue_patience = std::chrono::seconds(1);
constexpr int max_sends = 4;

std::uint16_t status_of(const std::string& line) {
  if (line.size() < 12 || line.compare(0, 7, "HTTP/1.") != 0 || line[8] != ' ') return 0;
  int status = 0;
  for (int i = 9; i < 12; ++i) {
    if (line[static_cast<std::size_t>(i)] < '0' || line[static_cast<std::size_t>(i)] > '9') return 0;
    status = status * 10 + (line[static_cast<std::size_t>(i)] - '0');
  }
  if (line.size() > 12 && line[12] != ' ') return 0;
  return static_cast<std::uint16_t>(status);
}

}  // namespace

// What the sending half and the receiving half of one connection tell each other about a batch.
struct SimClient::Sending {
  std::vector<PlannedExchange*> batch;
  std::size_t begun = 0;     // so many of the batch were sent, or a part of them
  std::size_t answered_whole = 0;
  bool in_order = false;     // the server said that it closes: it has not begun with what stands behind
  bool together = false;     // in one piece
  CancelSource* go_on = nullptr;  // of the exchange that waits for 100 (Continue)
  bool may_send_body = false;
  bool answered = false;      // the final answer to the last of the batch has begun
  bool skipped_body = false;  // the connection is of no further use
};

void SimClient::pop(Outcome outcome) noexcept {
  todo_.front()->outcome = outcome;
  todo_.front()->ended = reactor_.clock();
  todo_.pop_front();
}

Task<void> SimClient::run(std::vector<PlannedExchange*> exchanges) {
  todo_.assign(exchanges.begin(), exchanges.end());
  while (!todo_.empty()) {
    const std::size_t before = todo_.size();
    const int sent_before = todo_.front()->sent;
    co_await one_connection();
    WEIR_VERIFY(todo_.empty() || todo_.size() < before || todo_.front()->sent > sent_before);
  }
}

Task<void> SimClient::one_connection() {
  Wire wire(reactor_, rng_.next());
  wire.pause = options_.pause;
  wire.read_size = options_.read_size;
  if (rng_.chance(0.2)) wire.write_size = 1 + rng_.below(100);
  if (options_.write_size != 0) wire.write_size = options_.write_size;
  ++connections_;
  if (wire.open(options_.server)) {
    pop(Outcome::cut);
    co_return;
  }
  Scope watching;
  CancelSource done;
  const CancelToken token = done.token();
  watching.spawn(watch(wire, options_.patience, token));
  co_await talk(wire);
  done.cancel();
  co_await watching.join();
  const bool abort = rng_.chance(0.3);
  wire.close(abort);
}

Task<void> SimClient::talk(Wire& wire) {
  const Error error = co_await wire.connect(options_.server);
  if (error) {
    pop(Outcome::cut);
    co_return;
  }
  bool reused = false;
  while (!todo_.empty()) {
    const bool more = co_await one_batch(wire, reused);
    if (!more) co_return;
    reused = true;
    if (options_.think.count() > 0 && rng_.chance(0.5)) {
      const Duration nap{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(options_.think.count())))};
      const bool slept = co_await wire.sleep(nap);
      if (!slept) co_return;
    }
  }
}

void SimClient::choose_batch(Sending& sending) {
  const std::size_t most = 1 + rng_.below(options_.max_pipeline);
  for (PlannedExchange* exchange : todo_) {
    const bool may_follow = options_.pipelines_all ? !exchange->expects_continue : exchange->is_simple();
    if (!sending.batch.empty() && (!may_follow || sending.batch.size() == most)) break;
    sending.batch.push_back(exchange);
    const bool may_precede = options_.pipelines_all
                                 ? !exchange->expects_continue && !exchange->http_1_0 && !exchange->abort_upload
                                 : exchange->is_simple();
    if (!may_precede || exchange->closes) break;
  }
  const PlannedExchange& last = *sending.batch.back();
  sending.together = rng_.chance(options_.coalesces) && !last.expects_continue && !last.abort_upload;
}

// What was sent behind an exchange that failed may have been processed: what is not idempotent is not sent again.
void SimClient::abandon(const Sending& sending) noexcept {
  for (std::size_t i = sending.answered_whole; i < sending.begun; ++i) {
    PlannedExchange& exchange = *sending.batch[i];
    const auto found = std::find(todo_.begin(), todo_.end(), &exchange);
    if (found == todo_.end() || exchange.idempotent()) continue;
    exchange.outcome = Outcome::cut;
    exchange.ended = reactor_.clock();
    todo_.erase(found);
  }
}

// True if the connection can carry more.
Task<bool> SimClient::one_batch(Wire& wire, bool reused) {
  Sending sending;
  choose_batch(sending);
  Scope writing;
  writing.spawn(send_batch(wire, sending));
  bool good = true;
  for (std::size_t i = 0; good && i < sending.batch.size(); ++i) {
    PlannedExchange& exchange = *sending.batch[i];
    sending.answered = false;
    good = co_await receive_one(wire, sending, exchange, reused || i > 0);
    sending.answered_whole += good;
  }
  // The rest of an upload that was answered early is still owed, unless the connection is done.
  if (!good) wire.give_up();
  co_await writing.join();
  if (!good && !sending.in_order) abandon(sending);
  if (wire.broken() || sending.skipped_body) good = false;
  co_return good;
}

std::string SimClient::request_head(const PlannedExchange& exchange) {
  std::string head =
      fmt::format("{} /exchange/{} HTTP/1.{}\r\n", exchange.method, exchange.id, exchange.http_1_0 ? 0 : 1);
  if (!exchange.http_1_0 || rng_.chance(0.5)) head += "Host: sim.example\r\n";
  head += fmt::format("X-Exchange: {}\r\n", exchange.id);
  if (rng_.chance(0.3)) head += "User-Agent: sim\r\n";
  if (rng_.chance(0.1)) head += "X-Filler: " + std::string(rng_.below(2000), 'f') + "\r\n";
  std::string connection = exchange.closes ? "close" : "";
  if (rng_.chance(0.1)) {
    connection += connection.empty() ? "X-Hop" : ", X-Hop";
    head += "X-Hop: only to the next\r\n";
  }
  if (!connection.empty()) head += "Connection: " + connection + "\r\n";
  if (exchange.request_body == BodyKind::length) head += fmt::format("Content-Length: {}\r\n", exchange.request_length);
  if (exchange.request_body == BodyKind::chunked || exchange.request_body == BodyKind::chunked_trailers) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  if (exchange.request_body == BodyKind::chunked_trailers) head += "Trailer: X-Check\r\n";
  if (exchange.expects_continue) head += "Expect: 100-continue\r\n";
  return head + "\r\n";
}

// --- sending ---

Task<void> SimClient::send_batch(Wire& wire, Sending& sending) {
  // Copied, since the receiving half may be done with the batch before this one has noticed.
  const std::vector<PlannedExchange*> batch = sending.batch;
  if (sending.together) wire.hold();
  for (PlannedExchange* exchange : batch) {
    ++sending.begun;
    const bool sent = co_await send_one(wire, sending, *exchange);
    if (!sent) co_return;
  }
  if (sending.together) {
    const bool sent = co_await wire.let_go();
    if (!sent) co_return;
  }
  if (options_.half_closes && !todo_.empty() && batch.back() == todo_.back()) wire.end_output();
}

Task<bool> SimClient::send_one(Wire& wire, Sending& sending, PlannedExchange& exchange) {
  if (exchange.sent++ == 0) exchange.first_sent = reactor_.clock();
  const std::string head = request_head(exchange);
  const bool sent = co_await wire.write(head);
  if (!sent || exchange.request_body == BodyKind::none) co_return sent;
  if (exchange.expects_continue && !sending.may_send_body && !sending.answered) {
    CancelSource source;
    const TimePoint deadline = reactor_.now() + continue_patience;
    const CancelToken token = source.token();
    SleepUntil waiting(reactor_, deadline, token);
    sending.go_on = &source;
    co_await waiting;
    sending.go_on = nullptr;
    if (sending.answered && !sending.may_send_body) {  // refused: the body is not sent
      sending.skipped_body = true;
      co_return false;
    }
  }
  const std::uint64_t stop_at = exchange.abort_upload ? rng_.below(exchange.request_length) : UINT64_MAX;
  const bool all =
      co_await wire.write_body(exchange.request_body, exchange.id, Side::request, exchange.request_length, stop_at);
  if (exchange.abort_upload) {
    wire.give_up();
    co_return false;
  }
  co_return all;
}

// --- receiving ---

void SimClient::check_head(const TextHead& head, const PlannedExchange& exchange) {
  const std::uint64_t id = exchange.id;
  const std::size_t lengths = head.count("content-length");
  const std::size_t codings = head.count("transfer-encoding");
  if (lengths > 1) ledger_.violation(id, "more than one Content-Length in the answer");
  if (lengths + codings > 1) ledger_.violation(id, "two framings in the answer");
  if (codings > 0 && head.value("transfer-encoding") != "chunked") ledger_.violation(id, "a coding other than chunked");
  if (codings > 0 && exchange.http_1_0) ledger_.violation(id, "chunked to an HTTP/1.0 client");
  if (lengths == 1 && head.number("content-length") == UINT64_MAX) ledger_.violation(id, "a length that is no number");
  if (head.count("x-exchange") == 0) return;
  if (head.number("x-exchange") != id) {
    ledger_.violation(id, fmt::format("got the answer to exchange {}", head.value("x-exchange")));
  }
  if (exchange.seen_status != exchange.status) {
    ledger_.violation(id, fmt::format("status {} became {}", exchange.status, exchange.seen_status));
  }
  if (!options_.direct && head.count("x-origin-hop") != 0)
    ledger_.violation(id, "a hop-by-hop field of the origin came through");
}

// True if the connection can carry more. Sets the outcome, except where the exchange is to be sent again.
Task<bool> SimClient::receive_one(Wire& wire, Sending& sending, PlannedExchange& exchange, bool reused) {
  if (exchange.abort_after < 100) {
    const bool slept = co_await wire.sleep(Duration{static_cast<std::int64_t>(exchange.abort_after) * 20'000});
    pop(slept ? Outcome::aborted : Outcome::cut);
    co_return false;
  }
  TextHead head;
  for (;;) {
    const Got got = co_await wire.read_head(head);
    if (got != Got::whole) {
      if (got == Got::malformed) ledger_.violation(exchange.id, "the answer is malformed: " + head.first_line);
      // Nothing came on a connection that had served before: it may have been closed as idle. Safe methods go again.
      const bool again = got != Got::malformed && reused && exchange.idempotent() && !exchange.abort_upload &&
                         exchange.request_body == BodyKind::none && exchange.sent < max_sends &&
                         head.first_line.empty() && !wire.given_up();
      if (!again) pop(exchange.abort_upload ? Outcome::aborted : Outcome::cut);
      co_return false;
    }
    exchange.seen_status = status_of(head.first_line);
    if (exchange.seen_status == 0) {
      ledger_.violation(exchange.id, "a status line that is none: " + head.first_line);
      pop(Outcome::cut);
      co_return false;
    }
    if (exchange.seen_status >= 200) break;
    if (exchange.http_1_0) ledger_.violation(exchange.id, "1xx to an HTTP/1.0 client");
    if (exchange.seen_status == 100 && sending.go_on) {
      sending.may_send_body = true;
      sending.go_on->cancel();
    }
  }
  sending.answered = true;
  if (sending.go_on) sending.go_on->cancel();
  check_head(head, exchange);
  const bool whole = co_await receive_body(wire, head, exchange);
  if (!whole) co_return false;
  const bool closes = head.has_token("connection", "close") || exchange.closes || exchange.http_1_0;
  if (!closes) co_return true;
  sending.in_order = true;
  // A connection that closes carries nothing more, and does close.
  const bool more = co_await wire.fill();
  // Who did not get all of a request cannot know that it was a HEAD: its answer has a body.
  const bool unknown_method = exchange.method == "HEAD" && exchange.seen_status == 408;
  if (more && !unknown_method) {
    ledger_.violation(exchange.id, fmt::format("bytes behind the last answer ({}) of a connection: {}",
                                               exchange.seen_status, wire.buffered().substr(0, 60)));
  }
  if (!more && options_.must_close && wire.given_up()) {
    ledger_.violation(exchange.id, "a connection that was to be closed stayed open");
  }
  co_return false;
}

Task<bool> SimClient::receive_body(Wire& wire, const TextHead& head, PlannedExchange& exchange) {
  const bool from_origin = head.count("x-exchange") == 1;
  BodyKind kind = BodyKind::until_close;
  std::uint64_t length = 0;
  if (exchange.method == "HEAD" || exchange.seen_status == 204 || exchange.seen_status == 304) {
    kind = BodyKind::none;
  } else if (head.count("transfer-encoding") > 0) {
    kind = BodyKind::chunked;
  } else if (head.count("content-length") > 0) {
    kind = BodyKind::length;
    length = head.number("content-length");
  }
  if (exchange.seen_status == 204 && head.count("transfer-encoding") + head.count("content-length") > 0) {
    ledger_.violation(exchange.id, "a 204 with framing fields");
  }
  BodyCheck check{exchange.id, Side::response};
  check.ignore = !from_origin;
  check.stop_at = exchange.abort_after;
  const Got got = co_await wire.read_body(kind, length, check);
  if (check.wrong) ledger_.violation(exchange.id, "wrong bytes in the answer's body");
  if (got == Got::malformed) ledger_.violation(exchange.id, "malformed chunks in the answer");
  if (got == Got::stopped) {
    pop(Outcome::aborted);
    co_return false;
  }
  if (got != Got::whole) {
    pop(exchange.abort_upload ? Outcome::aborted : Outcome::cut);
    co_return false;
  }
  if (!from_origin) {
    if (exchange.seen_status < 400) ledger_.violation(exchange.id, "an answer without an origin");
    pop(Outcome::refused);
    co_return true;
  }
  const std::uint64_t expected = exchange.has_response_body() ? exchange.response_length : 0;
  if (check.received != expected) {
    ledger_.violation(exchange.id, fmt::format("{} bytes of {} and no sign that it was cut", check.received, expected));
  }
  switch (exchange.misdeed) {
    case Misdeed::garbage:
    case Misdeed::bad_length:
    case Misdeed::both_framings:
    case Misdeed::dies_before_head:
    case Misdeed::dies_in_head:
    case Misdeed::stalls: ledger_.violation(exchange.id, "a bad answer was passed on as a good one"); break;
    default: break;
  }
  pop(Outcome::complete);
  co_return true;
}

}  // namespace weir::sim
