// Attempts that fail at each of their steps: whether another one follows, where, and what the client is told if none does.

#include "tests/sim/scripted_exchange.hpp"
#include "tests/support/catch.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr const char* get = "GET /x HTTP/1.1\r\nHost: h";
constexpr const char* post = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4";
constexpr const char* put_streaming = "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked";

void answer(ScriptedExchange& t) {
  t.upstream().respond("HTTP/1.1 200 OK\r\nContent-Length: 2");
  t.upstream().give("ok", true);
  t.settle();
}

void check_served(ScriptedExchange& t, int attempts) {
  CHECK(t.complaint() == "");
  CHECK(t.ending() == "ok");
  CHECK(t.status() == 200);
  CHECK(t.number("attempts") == attempts);
}

void check_refused(ScriptedExchange& t, int status, std::string_view ending, int attempts) {
  CHECK(t.complaint() == "");
  CHECK(t.ending() == ending);
  CHECK(t.status() == status);
  CHECK(t.number("attempts") == attempts);
  CHECK(t.trace.has("client: finish whole"));
}

void check_order(ScriptedExchange& t, std::initializer_list<std::string_view> lines) {
  std::string expected;
  for (const std::string_view line : lines) expected.append(line).append("\n");
  CHECK(t.trace.text() == expected);
}

}  // namespace

TEST_CASE("no endpoint has a weight: nothing is opened") {
  ScriptedExchange t(get, 1, [](proxy::Spec& spec) { spec.upstreams[0].endpoints[0].weight = 0; });
  t.run();
  check_refused(t, 503, "no_endpoint", -1);
  CHECK(t.source.size() == 0);
}

TEST_CASE("all endpoints are down: nothing is opened") {
  proxy::EndpointStates states;
  const auto down = states.of("app", "a");
  down->record(false, 1, 1);
  proxy::Findings findings;
  findings.states = &states;
  ScriptedExchange t(get, 1, [](proxy::Spec& spec) { spec.upstreams[0].health_check.emplace(); }, findings);
  t.run();
  check_refused(t, 503, "all_down", -1);
  CHECK(t.source.size() == 0);
}

TEST_CASE("an endpoint without an address is passed over") {
  const auto configure = [](proxy::Spec& spec) { spec.upstreams[0].endpoints[0].addresses.clear(); };
  SECTION("for the next") {
    ScriptedExchange t(get, 2, configure);
    t.run();
    answer(t);
    CHECK(t.upstream().name() == "b");
    check_served(t, 2);
  }
  SECTION("and there is no next") {
    ScriptedExchange t(get, 1, configure);
    t.run();
    check_refused(t, 503, "no_endpoint", 1);
  }
}

TEST_CASE("an endpoint that refuses is passed over for the next, with the request still unsent") {
  ScriptedExchange t(post, 2);
  t.client.has_whole_body("body");
  t.source.connect_errors[0] = Errc::connection_refused;
  t.run();
  answer(t);
  check_served(t, 2);
  check_order(t, {"client: watch", "source: open a", "a: connect", "a: finish cut", "source: open b", "b: connect",
                  "b: request POST /x: body", "b: head 200", "b: read ok last", "client: respond 200: ok last", "b: taken",
                  "b: finish whole", "client: finish whole"});
}

TEST_CASE("a body that is on its way is not touched before an endpoint has accepted") {
  ScriptedExchange t(put_streaming, 2);
  t.client.streams_its_body();
  t.client.give("body", true);
  t.source.connect_errors[0] = Errc::connection_refused;
  t.run();
  answer(t);
  check_served(t, 2);
  CHECK(t.trace.has("b: write body last"));
}

TEST_CASE("what connecting ends with, when no endpoint is left") {
  struct Row {
    Errc error;
    int status;
    const char* ending;
  };
  const Row row = GENERATE(values<Row>({{Errc::connection_refused, 502, "connect_refused"},
                                        {Errc::host_unreachable, 502, "connect_refused"},
                                        {Errc::connection_reset, 502, "connect_refused"},
                                        {Errc::descriptor_limit, 503, "overloaded"},
                                        {Errc::out_of_memory, 503, "overloaded"},
                                        {Errc::not_supported, 503, "overloaded"}}));
  SECTION("where it connects") {
    ScriptedExchange t(get, 2);
    t.source.connect_errors = {{0, row.error}, {1, row.error}};
    t.run();
    check_refused(t, row.status, row.ending, 2);
  }
  SECTION("where it opens") {
    ScriptedExchange t(get, 2);
    t.source.refuse_opens(row.error);
    t.run();
    check_refused(t, row.status, row.ending, 2);
  }
}

TEST_CASE("an endpoint that does not answer the connect is given up in its time, and the next one has its own") {
  ScriptedExchange t(get, 2);
  t.source.holds_connects = true;
  t.run();
  t.pass(4s);
  CHECK(t.upstream().name() == "a");
  t.pass(2s);
  REQUIRE(t.upstream().name() == "b");
  t.pass(4s);
  CHECK(t.upstream().connects.waits());
  SECTION("it answers") {
    t.upstream().connects.let_go();
    t.settle();
    answer(t);
    check_served(t, 2);
    CHECK(t.trace.has("a: cancel"));
  }
  SECTION("it does not, either") {
    t.pass(2s);
    check_refused(t, 504, "connect_timeout", 2);
  }
}

TEST_CASE("each address of an endpoint is tried before the next endpoint is") {
  ScriptedExchange t(get, 2, [](proxy::Spec& spec) { spec.upstreams[0].endpoints[0].addresses.emplace_back(); });
  t.source.connect_errors[0] = Errc::connection_refused;
  t.run();
  answer(t);
  check_served(t, 2);
  CHECK(t.trace.has("source: open a"));
  CHECK(t.trace.has("source: open a2"));
  CHECK(t.upstream().name() == "b");
}

TEST_CASE("without descriptors a kept connection makes room for a new one") {
  ScriptedExchange t(get);
  SECTION("there is one, and its descriptor is free a turn later") {
    t.source.has_room = true;
    t.source.refuse_opens(Errc::descriptor_limit, 2);
    t.run();
    answer(t);
    check_served(t, 1);
    CHECK(t.trace.count("source: makes room") == 1);
  }
  SECTION("there is one, but that does not help") {
    t.source.has_room = true;
    t.source.refuse_opens(Errc::descriptor_limit);
    t.run();
    check_refused(t, 503, "overloaded", 1);
    CHECK(t.trace.count("source: makes room") == 1);
  }
  SECTION("there is none") {
    t.source.refuse_opens(Errc::descriptor_limit);
    t.run();
    check_refused(t, 503, "overloaded", 1);
    CHECK(t.trace.count("source: open fails") == 1);
  }
}

// ---- kept connections -----------------------------------------------------------------------------------------------

TEST_CASE("a kept connection that closes under a request that may be repeated is replaced by a fresh one") {
  ScriptedExchange t(get, 2);
  t.source.keep(0);
  t.source.keep(0);
  t.run();
  SECTION("after the request was sent") { t.upstream().close(); }
  SECTION("with a reset") { t.upstream().reset(); }
  t.settle();
  REQUIRE(t.trace.has("source: open b"));  // not the other kept one, which may be as old
  answer(t);
  check_served(t, 2);
  CHECK(t.trace.has("a: finish cut"));
}

TEST_CASE("a kept connection that does not even take the request is replaced by a fresh one") {
  ScriptedExchange t(get);
  t.source.keep(0);
  t.source.holds_sends = true;
  t.run();
  t.source.holds_sends = false;
  t.upstream().sends.break_with(Errc::broken_pipe);
  t.settle();
  answer(t);
  check_served(t, 2);
  check_order(t, {"client: watch", "source: kept a", "a: request GET /x: -", "a: cancel", "a: finish cut", "source: open a2",
                  "a2: connect", "a2: request GET /x: -", "a2: head 200", "a2: read ok last", "client: respond 200: ok last",
                  "a2: taken", "a2: finish whole", "client: finish whole"});
}

TEST_CASE("a request is not sent twice where that could do something twice") {
  SECTION("POST") {
    ScriptedExchange t(post, 2);
    t.client.has_whole_body("body");
    t.source.keep(0);
    t.run();
    t.upstream().close();
    t.settle();
    check_refused(t, 502, "upstream_closed", 1);
  }
  SECTION("a body that was not kept") {
    ScriptedExchange t(put_streaming, 2);
    t.client.streams_its_body();
    t.source.keep(0);
    t.run();
    t.upstream().reset();
    t.settle();
    check_refused(t, 502, "upstream_reset", 1);
  }
  SECTION("an answer had begun") {
    ScriptedExchange t(get, 2);
    t.source.keep(0);
    t.run();
    t.upstream().give_some_of_a_head();
    t.settle();
    t.upstream().close();
    t.settle();
    check_refused(t, 502, "upstream_closed", 1);
  }
  SECTION("the connection was a fresh one") {
    ScriptedExchange t(get, 2);
    t.run();
    t.upstream().close();
    t.settle();
    check_refused(t, 502, "upstream_closed", 1);
  }
  SECTION("the upstream took too long") {
    ScriptedExchange t(get, 2);
    t.source.keep(0);
    t.run();
    t.pass(61s);
    check_refused(t, 504, "upstream_timeout", 1);
  }
  SECTION("the answer is malformed") {
    ScriptedExchange t(get, 2);
    t.source.keep(0);
    t.run();
    t.upstream().break_head(proxy::Cut::bad_response, "bare-lf");
    t.settle();
    check_refused(t, 502, "bad_response", 1);
  }
}

TEST_CASE("a whole PUT goes out again with its body") {
  ScriptedExchange t("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4");
  t.client.has_whole_body("body");
  t.source.keep(0);
  t.run();
  t.upstream().close();
  t.settle();
  answer(t);
  check_served(t, 2);
  CHECK(t.trace.has("a: request PUT /x: body"));
  CHECK(t.trace.has("a2: request PUT /x: body"));
}

TEST_CASE("attempts are bounded, however many endpoints there are") {
  ScriptedExchange t(get, 12);
  for (std::size_t i = 0; i < 12; ++i) t.source.connect_errors[i] = Errc::connection_refused;
  t.run();
  check_refused(t, 502, "connect_refused", 8);
}

TEST_CASE("no attempt follows once the exchange is over") {
  ScriptedExchange t(get, 2);
  t.source.holds_connects = true;
  t.run();
  SECTION("the client leaves") { t.client.leave(); }
  SECTION("weir stops") { t.stop(); }
  CHECK(t.complaint() == "");
  CHECK(t.source.size() == 1);
  CHECK_FALSE(t.client.responded);
}

}  // namespace weir::sim
