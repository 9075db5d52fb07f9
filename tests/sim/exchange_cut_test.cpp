// An exchange that is cut, at every point where it waits, by everything that can cut it: how it ends, what the client is
// told, and that both streams are finished once, with nothing under way.

#include "tests/sim/scripted_exchange.hpp"
#include "tests/support/catch.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using proxy::Cut;

// Where the exchange waits.
enum class At {
  connecting,
  sending_head,
  reading_part,      // of a request that streams its body: the client is to go on
  sending_part,      // the upstream is to take it
  waiting_for_head,  // the whole request was sent
  responding,        // the client is to take the head of the response
  waiting_for_body,
  sending_body,
  waiting_for_body_while_reading,  // as above, with the upload going on
  waiting_for_the_rest,            // the response is over, the upload goes on
};

enum class Cause {
  client_leaves,
  client_half_closes,
  upstream_closes,
  upstream_resets,
  time_passes,
  total_passes,
  stop,
  bad_body,
  too_large,
};

struct Row {
  At at;
  Cause cause;
  int status;  // 0: the client was sent nothing
  std::string ending;
};

const char* name_of(At at) {
  constexpr const char* names[] = {"connecting", "sending the head", "reading a part", "sending a part",
                                   "waiting for the head", "responding", "waiting for the body", "sending the body",
                                   "waiting for the body, reading", "waiting for the rest"};
  return names[static_cast<int>(at)];
}
const char* name_of(Cause cause) {
  constexpr const char* names[] = {"client leaves", "client half-closes", "upstream closes", "upstream resets",
                                   "time passes", "total passes", "stop", "bad body", "too large"};
  return names[static_cast<int>(cause)];
}

// Holds both sides and lets them go, one step after the other, until the exchange waits there.
void bring_to(ScriptedExchange& t, At at) {
  const bool streams = t.client.body() == proxy::RequestBody::streaming;
  t.source.holds_connects = t.source.holds_sends = t.client.sends.held = true;
  t.run();
  REQUIRE(t.upstream().connects.waits());
  if (at == At::connecting) return;
  t.upstream().connects.let_go();
  t.settle();
  REQUIRE(t.upstream().sends.waits());
  if (at == At::sending_head) return;
  t.upstream().sends.let_go();
  t.settle();
  if (at == At::reading_part) return;
  const bool uploads_on = at == At::waiting_for_body_while_reading || at == At::waiting_for_the_rest;
  if (streams && !uploads_on) {
    t.client.give("body", true);
    t.settle();
    REQUIRE(t.upstream().sends.waits());
    if (at == At::sending_part) return;
    t.upstream().sends.let_go();
    t.settle();
  }
  if (at == At::waiting_for_head) return;
  t.upstream().respond("HTTP/1.1 200 OK\r\nContent-Length: 10");
  t.settle();
  REQUIRE(t.client.sends.waits());
  if (at == At::responding) return;
  t.client.sends.let_go();
  t.settle();
  if (at == At::waiting_for_body || at == At::waiting_for_body_while_reading) return;
  t.upstream().give("hello", at == At::waiting_for_the_rest);
  t.settle();
  REQUIRE(t.client.sends.waits());
  if (at == At::sending_body) return;
  t.client.sends.let_go();
  t.settle();
  REQUIRE(t.client.finished == 0);
}

void happen(ScriptedExchange& t, At at, Cause cause) {
  switch (cause) {
    case Cause::client_leaves:
      t.client.leave();
      t.settle();
      CHECK(t.ended());  // it is noticed at once, wherever the exchange waits
      break;
    case Cause::client_half_closes:
      t.client.half_close();
      t.settle();
      CHECK(t.client.finished == 0);  // it may still be answered
      t.pass(2s);
      break;
    case Cause::upstream_closes: t.upstream().close(); break;
    case Cause::upstream_resets: t.upstream().reset(); break;
    case Cause::time_passes: t.pass(at == At::connecting ? 6s : 61s); break;
    case Cause::total_passes: t.pass(4s); break;
    case Cause::stop: t.stop(); break;
    case Cause::bad_body: t.client.cut_body(Cut::bad_body); break;
    case Cause::too_large: t.client.give("more than sixteen bytes"); break;
  }
  t.settle();
}

// What is still held is let go, and what still comes comes.
void play_on(ScriptedExchange& t, At at, Cause cause) {
  t.client.sends.held = t.upstream().sends.held = t.upstream().connects.held = false;
  t.client.sends.let_go();
  t.upstream().sends.let_go();
  t.upstream().connects.let_go();
  const bool seen_by_the_upload = cause == Cause::upstream_closes || cause == Cause::upstream_resets;
  if (at == At::waiting_for_the_rest && seen_by_the_upload) t.client.give("rest", true);
  t.settle();
}

void with_total(proxy::Spec& spec) { spec.timeouts.total = 3s; }
void with_max_body(proxy::Spec& spec) {
  proxy::RouteSpec& route = spec.routes.emplace_back();
  route.upstream = "app";
  route.max_body = 16;
}

void check_row(const char* head, bool streams, const Row& row, bool cancelled_sends_move) {
  INFO(name_of(row.at) << ", " << name_of(row.cause) << (cancelled_sends_move ? ", moving when cancelled" : ""));
  const auto configure = row.cause == Cause::total_passes ? with_total
                         : row.cause == Cause::too_large  ? with_max_body
                                                          : nullptr;
  ScriptedExchange t(head, 1, configure);
  if (streams) t.client.streams_its_body();
  bring_to(t, row.at);
  t.client.sends.moves_when_cancelled = t.upstream().sends.moves_when_cancelled = cancelled_sends_move;
  happen(t, row.at, row.cause);
  play_on(t, row.at, row.cause);
  CHECK(t.complaint() == "");
  CHECK(t.status() == row.status);
  CHECK(t.ending() == row.ending);
  CHECK(t.trace.count(t.upstream().name() + ": finish cut") == 1);
  const bool answered_whole = row.status >= 400 || row.at == At::waiting_for_the_rest;
  CHECK(t.trace.has(answered_whole ? "client: finish whole" : "client: finish cut"));
  CHECK(t.client.responded == (row.status != 0));
}

void check_rows(const char* head, bool streams, std::initializer_list<Row> rows) {
  for (const Row& row : rows)
    for (const bool moves : {false, true}) check_row(head, streams, row, moves);
}

}  // namespace

TEST_CASE("a GET that is cut at every point by everything") {
  check_rows("GET /x HTTP/1.1\r\nHost: h", false,
             {{At::connecting, Cause::client_leaves, 0, "client_closed"},
              {At::connecting, Cause::client_half_closes, 0, "client_closed"},
              {At::connecting, Cause::upstream_closes, 502, "connect_refused"},
              {At::connecting, Cause::upstream_resets, 502, "connect_refused"},
              {At::connecting, Cause::time_passes, 504, "connect_timeout"},
              {At::connecting, Cause::total_passes, 504, "total_timeout"},
              {At::connecting, Cause::stop, 0, "stopped"},

              {At::sending_head, Cause::client_leaves, 0, "client_closed"},
              {At::sending_head, Cause::client_half_closes, 0, "client_closed"},
              {At::sending_head, Cause::upstream_closes, 502, "upstream_closed"},
              {At::sending_head, Cause::upstream_resets, 502, "upstream_reset"},
              {At::sending_head, Cause::time_passes, 504, "upstream_timeout"},
              {At::sending_head, Cause::total_passes, 504, "total_timeout"},
              {At::sending_head, Cause::stop, 0, "stopped"},

              {At::waiting_for_head, Cause::client_leaves, 0, "client_closed"},
              {At::waiting_for_head, Cause::client_half_closes, 0, "client_closed"},
              {At::waiting_for_head, Cause::upstream_closes, 502, "upstream_closed"},
              {At::waiting_for_head, Cause::upstream_resets, 502, "upstream_reset"},
              {At::waiting_for_head, Cause::time_passes, 504, "upstream_timeout"},
              {At::waiting_for_head, Cause::total_passes, 504, "total_timeout"},
              {At::waiting_for_head, Cause::stop, 0, "stopped"},

              {At::responding, Cause::client_leaves, 200, "client_closed"},
              {At::responding, Cause::upstream_closes, 200, "upstream_closed"},
              {At::responding, Cause::upstream_resets, 200, "upstream_reset"},
              {At::responding, Cause::time_passes, 200, "client_timeout"},
              {At::responding, Cause::total_passes, 200, "total_timeout"},
              {At::responding, Cause::stop, 200, "stopped"},

              {At::waiting_for_body, Cause::client_leaves, 200, "client_closed"},
              {At::waiting_for_body, Cause::upstream_closes, 200, "upstream_closed"},
              {At::waiting_for_body, Cause::upstream_resets, 200, "upstream_reset"},
              {At::waiting_for_body, Cause::time_passes, 200, "upstream_timeout"},
              {At::waiting_for_body, Cause::total_passes, 200, "total_timeout"},
              {At::waiting_for_body, Cause::stop, 200, "stopped"},

              {At::sending_body, Cause::client_leaves, 200, "client_closed"},
              {At::sending_body, Cause::upstream_closes, 200, "upstream_closed"},
              {At::sending_body, Cause::upstream_resets, 200, "upstream_reset"},
              {At::sending_body, Cause::time_passes, 200, "client_timeout"},
              {At::sending_body, Cause::total_passes, 200, "total_timeout"},
              {At::sending_body, Cause::stop, 200, "stopped"}});
}

TEST_CASE("a POST whose body is on its way that is cut at every point by everything") {
  check_rows("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked", true,
             {{At::connecting, Cause::upstream_resets, 502, "connect_refused"},
              {At::connecting, Cause::time_passes, 504, "connect_timeout"},
              {At::connecting, Cause::total_passes, 504, "total_timeout"},
              {At::connecting, Cause::stop, 0, "stopped"},

              {At::sending_head, Cause::upstream_closes, 502, "upstream_closed"},
              {At::sending_head, Cause::upstream_resets, 502, "upstream_reset"},
              {At::sending_head, Cause::time_passes, 504, "upstream_timeout"},
              {At::sending_head, Cause::total_passes, 504, "total_timeout"},
              {At::sending_head, Cause::stop, 0, "stopped"},

              {At::reading_part, Cause::client_leaves, 0, "client_closed"},
              {At::reading_part, Cause::upstream_closes, 502, "upstream_closed"},
              {At::reading_part, Cause::upstream_resets, 502, "upstream_reset"},
              {At::reading_part, Cause::time_passes, 408, "client_timeout"},
              {At::reading_part, Cause::total_passes, 504, "total_timeout"},
              {At::reading_part, Cause::stop, 0, "stopped"},
              {At::reading_part, Cause::bad_body, 400, "bad_request"},
              {At::reading_part, Cause::too_large, 413, "body_too_large"},

              {At::sending_part, Cause::upstream_closes, 502, "upstream_closed"},
              {At::sending_part, Cause::upstream_resets, 502, "upstream_reset"},
              {At::sending_part, Cause::time_passes, 504, "upstream_timeout"},
              {At::sending_part, Cause::total_passes, 504, "total_timeout"},
              {At::sending_part, Cause::stop, 0, "stopped"},

              {At::waiting_for_head, Cause::client_leaves, 0, "client_closed"},
              {At::waiting_for_head, Cause::client_half_closes, 0, "client_closed"},
              {At::waiting_for_head, Cause::upstream_closes, 502, "upstream_closed"},
              {At::waiting_for_head, Cause::time_passes, 504, "upstream_timeout"},
              {At::waiting_for_head, Cause::total_passes, 504, "total_timeout"},
              {At::waiting_for_head, Cause::stop, 0, "stopped"},

              {At::waiting_for_body_while_reading, Cause::client_leaves, 200, "client_closed"},
              {At::waiting_for_body_while_reading, Cause::upstream_closes, 200, "upstream_closed"},
              {At::waiting_for_body_while_reading, Cause::upstream_resets, 200, "upstream_reset"},
              {At::waiting_for_body_while_reading, Cause::time_passes, 200, "upstream_timeout"},
              {At::waiting_for_body_while_reading, Cause::total_passes, 200, "total_timeout"},
              {At::waiting_for_body_while_reading, Cause::stop, 200, "stopped"},
              {At::waiting_for_body_while_reading, Cause::bad_body, 200, "bad_request"},
              {At::waiting_for_body_while_reading, Cause::too_large, 200, "body_too_large"},

              {At::waiting_for_the_rest, Cause::client_leaves, 200, "client_closed"},
              {At::waiting_for_the_rest, Cause::upstream_closes, 200, "upstream_closed"},
              {At::waiting_for_the_rest, Cause::upstream_resets, 200, "upstream_closed"},
              {At::waiting_for_the_rest, Cause::time_passes, 200, "client_timeout"},
              {At::waiting_for_the_rest, Cause::total_passes, 200, "total_timeout"},
              {At::waiting_for_the_rest, Cause::stop, 200, "stopped"},
              {At::waiting_for_the_rest, Cause::bad_body, 200, "bad_request"},
              {At::waiting_for_the_rest, Cause::too_large, 200, "body_too_large"}});
}

TEST_CASE("a client that has half-closed is answered when the answer comes soon, however long that then takes") {
  ScriptedExchange t("GET /x HTTP/1.1\r\nHost: h");
  bring_to(t, At::waiting_for_head);
  t.client.half_close();
  t.pass(500ms);
  t.client.sends.held = false;
  t.upstream().respond("HTTP/1.1 200 OK\r\nContent-Length: 10");
  t.pass(30s);
  t.upstream().give("helloworld", true);
  CHECK(t.complaint() == "");
  CHECK(t.ending() == "ok");
}

TEST_CASE("a client that half-closes when its answer has begun is not hurried") {
  const At at = GENERATE(At::responding, At::waiting_for_body, At::sending_body);
  INFO(name_of(at));
  ScriptedExchange t("GET /x HTTP/1.1\r\nHost: h");
  bring_to(t, at);
  t.client.half_close();
  t.pass(30s);
  play_on(t, at, Cause::client_half_closes);
  CHECK(t.client.finished == 0);
  t.upstream().give(at == At::sending_body ? "world" : "helloworld", true);
  CHECK(t.complaint() == "");
  CHECK(t.ending() == "ok");
}

TEST_CASE("the first cause that is seen counts") {
  ScriptedExchange t("GET /x HTTP/1.1\r\nHost: h");
  bring_to(t, At::waiting_for_head);
  t.client.leave();
  t.upstream().reset();
  t.stop();
  CHECK(t.complaint() == "");
  CHECK(t.ending() == "client_closed");
}

TEST_CASE("progress in either direction keeps a slow body alive") {
  ScriptedExchange t("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked");
  t.client.streams_its_body();
  t.run();
  for (int part = 0; part < 5; ++part) {
    t.pass(40s);
    t.client.give("part");
  }
  t.settle();
  t.client.give("", true);
  t.settle();
  t.upstream().respond("HTTP/1.1 200 OK\r\nContent-Length: 20");
  for (int part = 0; part < 4; ++part) {
    t.pass(40s);
    t.upstream().give("part!", part == 3);
  }
  CHECK(t.complaint() == "");
  CHECK(t.ending() == "ok");
  CHECK(t.number("bytes_out") == 20);
}

}  // namespace weir::sim
