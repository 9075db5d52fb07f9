// Requests that a handler inside the process answers: what it is asked, what becomes of its answer, and what when either
// side does not wait for it.
#include <stdexcept>
#include <utility>

#include "core/coro/event.hpp"
#include "core/proxy/handler.hpp"
#include "tests/sim/scripted.hpp"
#include "tests/sim/scripted_exchange.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

// Answers what it was asked: "POST /x: body". Held: when it is let go.
class Echo final : public proxy::Handler {
 public:
  bool held = false;
  bool throws = false;
  std::string fills;  // the answer, instead of what was asked
  int asked = 0;
  std::string heard;  // what it was asked last
  Event go;

  Task<proxy::HandlerAnswer> handle(const proxy::HandlerRequest& request) override {
    ++asked;
    if (held) {
      auto wait = go.wait();
      co_await wait;
    }
    if (throws) throw std::runtime_error("told to");
    proxy::HandlerAnswer answer;
    answer.status = 202;
    answer.content_type = "text/x-echo";
    answer.fields.push_back({"X-Echo", "yes"});
    heard = fmt::format("{} {}: {}", request.head->method_text, request.path, request.body);
    answer.body = fills.empty() ? heard : fills;
    co_return answer;
  }
};

void handled(proxy::Spec& spec) {
  proxy::RouteSpec& route = spec.routes.emplace_back();
  route.handled = true;
  route.max_body = 10;
  route.timeout.total = 1min;
}

constexpr const char* get = "GET /a/../x?q=1 HTTP/1.1\r\nHost: h";
constexpr const char* post = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked";

}  // namespace

TEST_CASE("a handler is asked with the normalised path, and its answer is logged as weir's own") {
  Echo echo;
  ScriptedExchange t(get, 1, handled, {}, &echo);
  t.run();
  CHECK(t.complaint() == "");
  CHECK(t.trace.text() == "client: watch\nclient: respond 202 of weir's own\nclient: finish whole\n");
  CHECK(echo.heard == "GET /x: ");
  CHECK(t.status() == 202);
  CHECK(t.ending() == "responded");
  CHECK(t.number("bytes_out") == 8);
}

TEST_CASE("a handler gets a body whole, however it comes") {
  Echo echo;
  ScriptedExchange whole("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4", 1, handled, {}, &echo);
  whole.client.has_whole_body("body");
  whole.run();
  CHECK(whole.complaint() == "");
  CHECK(std::exchange(echo.heard, {}) == "POST /x: body");
  CHECK(whole.status() == 202);

  ScriptedExchange parts(post, 1, handled, {}, &echo);
  parts.client.streams_its_body();
  parts.run();
  parts.client.give("bo");
  parts.settle();
  CHECK(echo.asked == 1);
  parts.client.give("dy", true);
  CHECK(parts.complaint() == "");
  CHECK(echo.heard == "POST /x: body");
  CHECK(parts.status() == 202);
}

TEST_CASE("a client that waits before it sends its body to a handler is told to continue") {
  Echo echo;
  ScriptedExchange t("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue", 1, handled, {}, &echo);
  t.client.streams_its_body();
  t.run();
  CHECK(t.trace.has("client: interim 100"));
  t.client.give("body", true);
  CHECK(t.complaint() == "");
  CHECK(echo.heard == "POST /x: body");
  CHECK(t.status() == 202);
}

TEST_CASE("a body that is too large for a handler is answered with 413, and the handler is not asked") {
  Echo echo;
  ScriptedExchange t(post, 1, handled, {}, &echo);
  t.client.streams_its_body();
  t.run();
  t.client.give("0123456");
  t.settle();
  t.client.give("89ab");
  CHECK(t.complaint() == "");
  CHECK(t.status() == 413);
  CHECK(t.ending() == "body_too_large");
  CHECK(echo.asked == 0);
}

TEST_CASE("a client that does not send its body to a handler is answered with 408") {
  Echo echo;
  ScriptedExchange t(post, 1, [](proxy::Spec& spec) { handled(spec), spec.routes.back().timeout.idle = 1s; }, {}, &echo);
  t.client.streams_its_body();
  t.run();
  t.pass(2s);
  CHECK(t.complaint() == "");
  CHECK(t.status() == 408);
  CHECK(echo.asked == 0);
}

TEST_CASE("HEAD gets the head of a handler's answer") {
  Echo echo;
  ScriptedExchange t("HEAD /x HTTP/1.1\r\nHost: h", 1, handled, {}, &echo);
  t.run();
  CHECK(t.complaint() == "");
  CHECK(t.status() == 202);
  CHECK(t.number("bytes_out") == 0);
}

TEST_CASE("a handler that throws is answered for with 500") {
  Echo echo;
  echo.throws = true;
  ScriptedExchange t(get, 1, handled, {}, &echo);
  t.run();
  CHECK(t.complaint() == "");
  CHECK(t.status() == 500);
}

TEST_CASE("a handler that takes its time is waited for, whatever becomes of the exchange") {
  enum class Meanwhile { nothing, client_leaves, time_passes, stop };
  const auto what = GENERATE(Meanwhile::nothing, Meanwhile::client_leaves, Meanwhile::time_passes, Meanwhile::stop);
  Echo echo;
  echo.held = true;
  ScriptedExchange t(get, 1, handled, {}, &echo);
  t.run();
  if (what == Meanwhile::client_leaves) t.client.leave();
  if (what == Meanwhile::time_passes) t.pass(2min);
  if (what == Meanwhile::stop) t.stop();
  CHECK_FALSE(t.ended());
  echo.go.set();
  CHECK(t.complaint() == "");
  const char* const endings[] = {"responded", "client_closed", "total_timeout", "stopped"};
  CHECK(t.ending() == endings[static_cast<int>(what)]);
}

TEST_CASE("a connection is kept between the answers of a handler") {
  on_both_styles([](Style style) {
    Echo echo;
    echo.fills = std::string(300'000, 'x');
    EngineWorld sim(1, ScriptedWorld::of(style));
    sim.handler = &echo;
    handled(*sim.spec);
    sim.start();
    {
      Asking client(sim, 1);
      for (const std::string_view method : {"HEAD", "HEAD", "GET"}) {
        client.begin(method);
        REQUIRE(sim.world.run_until([&] { return client.done(); }, 1min));
        CHECK(client.last_status == "202");
      }
      CHECK(sim.server().counters().accepted == 1);
    }
    CHECK(echo.asked == 3);
    sim.finish(false);
    for (const std::string& violation : sim.violations()) FAIL_CHECK(violation);
  });
}

TEST_CASE("a server that finishes waits for what is in flight without a bound, until it is drained") {
  const bool drained = GENERATE(false, true);
  on_both_styles([&](Style style) {
    Echo echo;
    echo.held = true;
    EngineWorld sim(1, ScriptedWorld::of(style));
    sim.handler = &echo;
    handled(*sim.spec);
    sim.spec->routes.back().timeout.total = 0s;
    sim.start();
    {
      Asking client(sim, 1);
      client.begin();
      REQUIRE(sim.world.run_until([&] { return echo.asked == 1; }, 1min));
      sim.server().finish();
      sim.world.run_for(10h);
      CHECK_FALSE(client.done());
      CHECK(sim.server().draining());
      if (drained) {
        sim.server().drain();
        sim.world.run_for(2min);  // cut by then, but for the handler
      }
      CHECK_FALSE(sim.server_ended());
      echo.go.set();
      REQUIRE(sim.world.run_until([&] { return sim.server_ended(); }, 1min));
      REQUIRE(sim.world.run_until([&] { return client.done(); }, 1min));
      CHECK(client.last_status == (drained ? "" : "202"));
    }
    sim.finish(false);
    for (const std::string& violation : sim.violations()) FAIL_CHECK(violation);
  });
}

}  // namespace weir::sim
