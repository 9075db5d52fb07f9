// What the engine's logs say of exchanges that do not go as they should: the access log, and the lines of events.

#include <fmt/format.h>

#include <string>

#include "tests/sim/engine_world.hpp"
#include "tests/support/catch.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

std::string listed(const std::vector<std::string>& violations) {
  std::string text;
  for (const std::string& violation : violations) text += violation + "\n";
  return text;
}

PlannedExchange& get(EngineWorld& sim, std::uint64_t length, BodyKind kind = BodyKind::length) {
  PlannedExchange& exchange = sim.ledger.add();
  exchange.response_length = length;
  exchange.response_body = kind;
  return exchange;
}

std::size_t occurrences(const std::string& text, std::string_view wanted) {
  std::size_t count = 0;
  for (std::size_t at = text.find(wanted); at != text.npos; at = text.find(wanted, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("an attempt that failed is in the access log, and its endpoint in one line for all of them") {
  for (const Style style : {Style::readiness, Style::completion}) {
    EngineOptions two;
    two.proxy.style = two.others.style = style;
    two.origins = 2;
    EngineWorld sim(7, two);
    sim.spec->upstreams[0].endpoints[0].addresses[0].port = 1;  // nobody listens there
    sim.spec->upstreams[0].endpoints[0].text = "nobody:1";
    sim.spec->access_log.enabled = true;
    sim.spec->access_log.format = proxy::LogFormat::json;
    sim.start();
    std::vector<PlannedExchange*> exchanges;
    for (int i = 0; i < 8; ++i) exchanges.push_back(&get(sim, 500));
    sim.add_client(sim.client_options(), exchanges);
    sim.run_clients(1h);
    sim.finish(true);
    INFO(listed(sim.violations()) << sim.log_text() << sim.access_log());
    CHECK(sim.violations().empty());
    constexpr auto line = "endpoint fails upstream=app endpoint=nobody:1 ending=connect_refused failures=1\n";
    CHECK(occurrences(sim.log_text(), line) == 1);
    CHECK(occurrences(sim.log_text(), "endpoint fails") == 1);
    const std::size_t retried = occurrences(sim.access_log(), "\"attempts\":2,");
    CHECK(retried > 1);
    constexpr auto tries = R"("tries":[{"endpoint":"nobody:1","end":"connect_refused","ms":)";
    CHECK(occurrences(sim.access_log(), tries) == retried);
    CHECK(occurrences(sim.access_log(), "\"tries\"") == retried);
    CHECK(occurrences(sim.access_log(), "\"end\":\"ok\"}\n") == 8);
  }
}

TEST_CASE("the time that a black hole costs is in the access log") {
  EngineOptions options;
  options.origins = 2;
  EngineWorld sim(3, options);
  sim.spec->access_log.enabled = true;
  sim.spec->access_log.format = proxy::LogFormat::line;
  sim.spec->access_log.line = "${status} ${failed_ms} ${attempts} ${end}";
  sim.spec->upstreams[0].endpoints[0].addresses[0].port = 1;  // nobody listens there, and nothing says so
  FaultPlan hole = FaultPlan::none();
  hole.hang = 1;
  sim.world.set_faults(EngineWorld::backend_of(sim.proxy_reactor()).id(), 0, hole);
  sim.start();
  sim.add_client(sim.client_options(), {&get(sim, 10)});
  sim.run_clients(1h);
  sim.finish(true);
  INFO(listed(sim.violations()) << sim.log_text());
  CHECK(sim.access_log().starts_with("200 500"));  // 5 s, and as much as the timer needs
  CHECK(sim.access_log().ends_with(" 2 ok\n"));
  CHECK(occurrences(sim.log_text(), "ending=connect_timeout") == 1);
}

TEST_CASE("the rule that a response broke is in the access log and in one line") {
  struct Case { Misdeed misdeed; const char* word; };
  for (const Case& it : {Case{Misdeed::bad_length, "two-lengths"}, Case{Misdeed::bad_chunk, "bad-chunk-size"}}) {
    EngineWorld sim(5, {});
    sim.spec->access_log.enabled = true;
    sim.spec->access_log.format = proxy::LogFormat::json;
    sim.start();
    std::vector<PlannedExchange*> exchanges;
    for (int i = 0; i < 16; ++i) {
      PlannedExchange& exchange = *exchanges.emplace_back(&get(sim, 5000, BodyKind::chunked));
      exchange.misdeed = it.misdeed;
    }
    sim.add_client(sim.client_options(), exchanges);
    sim.run_clients(1h);
    sim.finish(false);
    INFO(listed(sim.violations()) << sim.log_text() << sim.access_log());
    CHECK(sim.violations().empty());
    // The origin may close with a reset, which takes its answer away.
    const std::size_t refused = occurrences(sim.access_log(), "\"bad_response\",\"word\"");
    CHECK(refused > 1);
    CHECK(occurrences(sim.access_log(), fmt::format("\"end\":\"bad_response\",\"word\":\"{}\"}}\n", it.word)) == refused);
    CHECK(occurrences(sim.log_text(), fmt::format("ending=bad_response word={} failures=", it.word)) == 1);
    CHECK(occurrences(sim.log_text(), "ending=bad_response") == 1);
  }
}

}  // namespace weir::sim
