// The order of events of one exchange, seen from both of its sides: streams of messages that carry no bytes of any
// protocol. What is asserted is every call that the exchange makes.

#include "tests/sim/scripted_exchange.hpp"
#include "tests/support/catch.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr const char* get = "GET /x HTTP/1.1\r\nHost: h";
constexpr const char* post = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked";
constexpr const char* upgrade = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket";
constexpr const char* ok_10 = "HTTP/1.1 200 OK\r\nContent-Length: 10";
constexpr const char* switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket";

void check_order(ScriptedExchange& t, std::initializer_list<std::string_view> lines) {
  std::string expected;
  for (const std::string_view line : lines) expected.append(line).append("\n");
  CHECK(t.complaint() == "");
  CHECK(t.trace.text() == expected);
}

void allow_connect(proxy::Spec& spec) {
  proxy::RouteSpec& route = spec.routes.emplace_back();
  route.upstream = "app";
  route.allow_connect = true;
}

}  // namespace

TEST_CASE("GET: the head goes with what is there of the body, and each part is given back when it was sent") {
  ScriptedExchange t(get);
  t.run();
  t.upstream().give("hello");
  t.upstream().respond(ok_10);
  t.settle();
  t.upstream().give("world", true);
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: request GET /x: -", "a: head 200", "a: read hello",
                  "client: respond 200: hello", "a: taken", "a: read world last", "client: write world last", "a: taken",
                  "a: finish whole", "client: finish whole"});
  CHECK(t.ending() == "ok");
  CHECK(t.status() == 200);
  CHECK(t.number("bytes_out") == 10);
  CHECK(t.number("attempts") == 1);
}

TEST_CASE("a response without a body is one send") {
  ScriptedExchange t("HEAD /x HTTP/1.1\r\nHost: h");
  t.run();
  t.upstream().respond(ok_10);
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: request HEAD /x: -", "a: head 200", "a: read - last",
                  "client: respond 200: - last", "a: taken", "a: finish whole", "client: finish whole"});
}

TEST_CASE("an empty part is passed over, but the last one is always sent") {
  ScriptedExchange t(get);
  t.run();
  t.upstream().respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked");
  t.settle();
  t.upstream().give("");
  t.settle();
  t.upstream().give("hi");
  t.settle();
  t.upstream().give("", true, "X-Sum: 1\r\n");
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: request GET /x: -", "a: head 200",
                  "client: respond 200: -", "a: taken", "a: read -", "a: taken", "a: read hi", "client: write hi", "a: taken",
                  "a: read - last X-Sum: 1", "client: write - last X-Sum: 1", "a: taken", "a: finish whole",
                  "client: finish whole"});
}

TEST_CASE("a request on a kept connection connects nothing") {
  ScriptedExchange t(get);
  t.source.keep(0);
  t.run();
  t.upstream().respond(ok_10);
  t.upstream().give("helloworld", true);
  check_order(t, {"client: watch", "source: kept a", "a: request GET /x: -", "a: head 200", "a: read helloworld last",
                  "client: respond 200: helloworld last", "a: taken", "a: finish whole", "client: finish whole"});
}

TEST_CASE("POST, its body at hand: it goes with the head") {
  ScriptedExchange t("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4");
  t.client.has_whole_body("body");
  t.run();
  t.upstream().respond(ok_10);
  t.upstream().give("helloworld", true);
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: request POST /x: body", "a: head 200",
                  "a: read helloworld last", "client: respond 200: helloworld last", "a: taken", "a: finish whole",
                  "client: finish whole"});
  CHECK(t.number("bytes_in") == 4);
}

TEST_CASE("POST, its body part by part: one part at a time, trailers with the last, the client is watched behind it") {
  ScriptedExchange t(post);
  t.client.streams_its_body();
  t.run();
  t.upstream().sends.held = true;
  t.client.give("one");
  t.client.give("two");
  t.settle();
  CHECK_FALSE(t.trace.has("client: read two"));  // the first one is not sent yet
  t.upstream().sends.held = false;
  t.upstream().sends.let_go();
  t.settle();
  t.client.give("", true, "X-Sum: 1\r\n");
  t.settle();
  t.upstream().respond(ok_10);
  t.upstream().give("helloworld", true);
  check_order(t, {"source: open a", "a: connect", "a: request POST /x: -", "client: read one", "a: write one",
                  "client: taken", "client: read two", "a: write two", "client: taken", "client: read - last X-Sum: 1",
                  "a: write - last X-Sum: 1", "client: taken", "client: watch", "a: head 200", "a: read helloworld last",
                  "client: respond 200: helloworld last", "a: taken", "a: finish whole", "client: finish whole"});
  CHECK(t.number("bytes_in") == 6);
}

TEST_CASE("interim answers are passed on one by one, before the response") {
  ScriptedExchange t(get);
  t.run();
  t.upstream().respond("HTTP/1.1 100 Continue");
  t.upstream().respond("HTTP/1.1 103 Early Hints\r\nLink: </a>");
  t.settle();
  CHECK_FALSE(t.client.responded);
  t.upstream().respond(ok_10);
  t.upstream().give("helloworld", true);
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: request GET /x: -", "a: head 100",
                  "client: interim 100", "a: taken", "a: head 103", "client: interim 103", "a: taken", "a: head 200",
                  "a: read helloworld last", "client: respond 200: helloworld last", "a: taken", "a: finish whole",
                  "client: finish whole"});
}

TEST_CASE("100 Continue reaches a client that waits with its body, and the body then reaches the upstream") {
  ScriptedExchange t(post);
  t.client.streams_its_body();
  t.run();
  t.upstream().respond("HTTP/1.1 100 Continue");
  t.settle();
  CHECK(t.trace.has("client: interim 100"));
  t.client.give("body", true);
  t.settle();
  t.upstream().respond(ok_10);
  t.upstream().give("helloworld", true);
  check_order(t, {"source: open a", "a: connect", "a: request POST /x: -", "a: head 100", "client: interim 100", "a: taken",
                  "client: read body last", "a: write body last", "client: taken", "client: watch", "a: head 200",
                  "a: read helloworld last", "client: respond 200: helloworld last", "a: taken", "a: finish whole",
                  "client: finish whole"});
}

TEST_CASE("an upstream that is slow after an interim answer has its time from then on") {
  ScriptedExchange t(get);
  t.run();
  t.pass(50s);
  t.upstream().respond("HTTP/1.1 103 Early Hints");
  t.pass(50s);
  CHECK_FALSE(t.ended());
  t.pass(20s);
  CHECK(t.ended());
  CHECK(t.ending() == "upstream_timeout");
  CHECK(t.status() == 504);
}

// ---- answers before the request was read ----------------------------------------------------------------------------

TEST_CASE("an upstream that agrees early still gets the rest of the body") {
  ScriptedExchange t(post);
  t.client.streams_its_body();
  t.run();
  t.client.give("one");
  t.settle();
  t.upstream().respond(ok_10);
  t.upstream().give("helloworld", true);
  t.settle();
  CHECK(t.client.responded);
  CHECK(t.client.finished == 0);
  t.client.give("two", true);
  check_order(t, {"source: open a", "a: connect", "a: request POST /x: -", "client: read one", "a: write one",
                  "client: taken", "a: head 200", "a: read helloworld last", "client: respond 200: helloworld last",
                  "a: taken", "client: read two last", "a: write two last", "client: taken", "client: watch",
                  "a: finish whole", "client: finish whole"});
  CHECK(t.ending() == "ok");
}

TEST_CASE("an upstream that refuses early does not get the rest, and is not used again") {
  ScriptedExchange t(post);
  t.client.streams_its_body();
  t.run();
  t.client.give("one");
  t.settle();
  t.upstream().respond("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2");
  t.upstream().give("no", true);
  check_order(t, {"source: open a", "a: connect", "a: request POST /x: -", "client: read one", "a: write one",
                  "client: taken", "a: head 413", "a: read no last", "client: respond 413: no last", "a: taken",
                  "client: cancel in", "client: read is cut", "a: finish cut", "client: finish whole"});
  CHECK(t.status() == 413);
}

TEST_CASE("an upstream that answers and takes no more: the answer is passed on, and what it means depends on its status") {
  const auto [status, ending] = GENERATE(table<int, const char*>({{200, "upstream_closed"}, {413, "ok"}}));
  ScriptedExchange t(post);
  t.client.streams_its_body();
  t.run();
  t.upstream().respond("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 10");
  t.upstream().sends.break_with(Errc::broken_pipe);
  t.client.give("one");
  t.settle();
  t.upstream().give("helloworld", true);
  CHECK(t.complaint() == "");
  CHECK(t.client.responded);
  CHECK(t.trace.has("a: finish cut"));
  CHECK(t.trace.has("client: finish whole"));
  CHECK(t.status() == status);
  CHECK(t.ending() == ending);
}

TEST_CASE("a request whose head an upstream did not take is answered with what it said") {
  ScriptedExchange t("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4");
  t.client.has_whole_body("body");
  t.source.holds_sends = true;
  t.run();
  t.upstream().sends.break_with(Errc::connection_reset);
  t.upstream().respond("HTTP/1.1 431 Too Large\r\nContent-Length: 2");
  t.upstream().give("no", true);
  CHECK(t.complaint() == "");
  CHECK(t.status() == 431);
  CHECK(t.ending() == "ok");
}

// ---- bodies that end with the connection ----------------------------------------------------------------------------

TEST_CASE("a body that ends with its connection is whole when that ends in order") {
  ScriptedExchange t(get);
  t.run();
  t.upstream().respond("HTTP/1.1 200 OK");
  t.upstream().give("hello");
  t.settle();
  t.upstream().end_by_close();
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: request GET /x: -", "a: head 200", "a: read hello",
                  "client: respond 200: hello", "a: taken", "a: read - last", "client: write - last", "a: taken",
                  "a: finish whole", "client: finish whole"});
  CHECK(t.ending() == "ok");
}

TEST_CASE("an end that the upload saw as a reset is none, even if it looks like one to the reader") {
  ScriptedExchange t(post);
  t.client.streams_its_body();
  t.run();
  t.upstream().respond("HTTP/1.1 200 OK");
  t.upstream().give("hello");
  t.settle();
  SECTION("the upload met it before") {
    t.upstream().sends.break_with(Errc::connection_reset);
    t.client.give("one");
    t.settle();
    t.upstream().end_by_close();
  }
  SECTION("the upload meets it while it is stopped") {
    t.upstream().sends.held = true;
    t.client.give("one");
    t.settle();
    t.upstream().sends.break_with(Errc::connection_reset);
    t.upstream().end_by_close();
  }
  CHECK(t.complaint() == "");
  CHECK(t.trace.has("a: finish cut"));
  CHECK(t.trace.has("client: finish cut"));
  CHECK(t.ending() == "upstream_reset");
}

TEST_CASE("an end that the upload knows nothing of is an end, and stops the upload") {
  ScriptedExchange t(post);
  t.client.streams_its_body();
  t.run();
  t.upstream().respond("HTTP/1.1 200 OK");
  t.upstream().give("hello");
  t.settle();
  t.upstream().end_by_close();
  check_order(t, {"source: open a", "a: connect", "a: request POST /x: -", "a: head 200", "a: read hello",
                  "client: respond 200: hello", "a: taken", "a: read - last", "client: cancel in", "client: read is cut", "client: write - last",
                  "a: taken", "a: finish cut", "client: finish whole"});
}

// ---- weir's own answers ---------------------------------------------------------------------------------------------

TEST_CASE("what weir answers itself asks no upstream, whatever body is on its way") {
  ScriptedExchange t(post, 1, [](proxy::Spec& spec) { spec.routes.emplace_back().respond.emplace().body = "hi"; });
  t.client.streams_its_body();
  t.run();
  check_order(t, {"client: respond 200 of weir's own", "client: finish whole"});
  CHECK(t.ending() == "responded");
  CHECK(t.number("bytes_out") == 2);
}

TEST_CASE("a head that does not fit is not sent, and the client is told so") {
  ScriptedExchange t(get);
  t.client.refuses_heads = true;
  t.run();
  t.upstream().respond(ok_10);
  t.upstream().give("helloworld", true);
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: request GET /x: -", "a: head 200",
                  "a: read helloworld last", "client: respond 200: helloworld last (too large)", "a: cancel", "a: finish cut",
                  "client: respond 502 of weir's own", "client: finish whole"});
  CHECK(t.ending() == "bad_response");
  CHECK(t.status() == 502);
}

// ---- tunnels --------------------------------------------------------------------------------------------------------

TEST_CASE("101: bytes both ways until both sides have ended, and neither stream is used again") {
  ScriptedExchange t(upgrade);
  t.run();
  t.upstream().respond(switching);
  t.settle();
  t.client.tunnel.give("ping");
  t.settle();
  t.upstream().tunnel.give("pong");
  t.settle();
  t.client.tunnel.give("");
  t.settle();
  t.upstream().tunnel.give("bye");
  t.settle();
  t.upstream().tunnel.give("");
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: request GET /x: -", "a: head 101",
                  "client: respond 101 tunnel", "a: taken", "a: tunnel write ping",
                  "client: tunnel write pong", "a: tunnel ends", "client: tunnel write bye", "client: tunnel ends",
                  "a: finish cut", "client: finish cut"});
  CHECK(t.ending() == "tunnel_closed");
  CHECK(t.number("bytes_in") == 4);
  CHECK(t.number("bytes_out") == 7);
}

TEST_CASE("CONNECT: a 2xx opens a tunnel, anything else is an answer") {
  ScriptedExchange t("CONNECT h:443 HTTP/1.1\r\nHost: h:443", 1, allow_connect);
  t.run();
  SECTION("200") {
    t.upstream().respond("HTTP/1.1 200 OK");
    t.settle();
    CHECK(t.trace.has("client: respond 200 tunnel"));
    t.client.tunnel.give("");
    t.upstream().tunnel.give("");
    CHECK(t.complaint() == "");
    CHECK(t.ending() == "tunnel_closed");
  }
  SECTION("403") {
    t.upstream().respond("HTTP/1.1 403 Forbidden\r\nContent-Length: 2");
    t.upstream().give("no", true);
    CHECK(t.complaint() == "");
    CHECK(t.trace.has("client: respond 403: no last"));
    CHECK(t.ending() == "ok");
  }
}

TEST_CASE("CONNECT where it is not allowed asks no upstream") {
  ScriptedExchange t("CONNECT h:443 HTTP/1.1\r\nHost: h:443");
  t.run();
  check_order(t, {"client: respond 405 of weir's own", "client: finish whole"});
}

TEST_CASE("a switch that nobody asked for is a bad response") {
  ScriptedExchange t(get);
  t.run();
  t.upstream().respond(switching);
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: request GET /x: -", "a: head 101", "a: cancel",
                  "a: finish cut", "client: respond 502 of weir's own", "client: finish whole"});
  CHECK(t.ending() == "bad_response");
}

TEST_CASE("what ends a tunnel early ends both of its directions") {
  ScriptedExchange t(upgrade);
  t.run();
  t.upstream().respond(switching);
  t.settle();
  std::string ending = "tunnel_closed";
  SECTION("the client leaves") { t.client.leave(); }
  SECTION("the upstream leaves") { t.upstream().reset(); }
  SECTION("nothing moves for too long") { t.pass(3601s); }
  SECTION("weir stops") {
    t.stop();
    ending = "stopped";
  }
  CHECK(t.complaint() == "");
  CHECK(t.trace.has("client: tunnel cancel"));
  CHECK(t.trace.has("a: tunnel cancel"));
  CHECK(t.trace.has("client: finish cut"));
  CHECK(t.ending() == ending);
}

}  // namespace weir::sim
