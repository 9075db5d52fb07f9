// Faults that users of proxies report, one scenario a test: requests pipelined beyond the buffer, answers before the
// request was read, half-closed clients, a refused CONNECT with bytes behind it, a client that reads only when it has
// written everything. The clients here write their bytes as they please; the origins are those of the other scenarios.

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/sim/engine_world.hpp"
#include "tests/sim/seeds.hpp"
#include "tests/support/catch.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

// A client that writes a text in one piece and reads what comes, until the proxy closes or it has enough.
class RawClient {
 public:
  RawClient(EngineWorld& sim, std::uint64_t seed) : sim_(sim), wire_(sim.client_reactor(), seed) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { CHECK(talking_.live() == 0); }

  bool half_closes = false;           // when everything is written
  bool reads_late = false;            // begins to read when everything is written
  std::size_t answers_wanted = 1;     // then it closes
  bool waits_for_end = false;         // instead: reads until the proxy closes

  std::vector<int> statuses;          // of the answers that came whole
  std::vector<std::string> exchanges;  // their X-Exchange fields
  bool ended = false;                 // the proxy closed, in order, behind them
  std::string left_over;              // bytes that were no answer

  // `text` stays in place.
  void talk(const std::string& text) { talking_.spawn(run(text)); }
  bool done() const { return talking_.live() == 0; }
  // Called when the head of an answer has come.
  std::function<void(Wire&)> on_head = [](Wire&) {};

 private:
  Task<void> write_all(const std::string& text) {
    written_ = co_await wire_.write(text);
    if (written_ && half_closes) wire_.end_output();
  }

  Task<void> run(const std::string& text) {
    const Address to = sim_.client_options().server;
    REQUIRE_FALSE(wire_.open(to));
    const Error error = co_await wire_.connect(to);
    CHECK_FALSE(error);
    Scope writing;
    writing.spawn(write_all(text));
    if (reads_late) co_await writing.join();
    bool more = true;
    while (more) more = co_await read_answer();
    co_await writing.join();
    wire_.close(false);
  }

  Task<bool> read_answer() {
    TextHead head;
    const Got got = co_await wire_.read_head(head);
    if (got != Got::whole) {
      ended = got == Got::closed;
      left_over = head.first_line;
      co_return false;
    }
    on_head(wire_);
    BodyCheck check{0, Side::response};
    check.ignore = true;
    const bool chunked = head.count("transfer-encoding") > 0;
    const std::uint64_t length = chunked ? 0 : head.number("content-length");
    const Got body = co_await wire_.read_body(chunked ? BodyKind::chunked : BodyKind::length, length, check);
    if (body != Got::whole) co_return false;
    statuses.push_back(std::stoi(head.first_line.substr(9, 3)));
    exchanges.emplace_back(head.value("x-exchange"));
    co_return waits_for_end || statuses.size() < answers_wanted;
  }

  EngineWorld& sim_;
  Wire wire_;
  Scope talking_;
  bool written_ = false;
};

PlannedExchange& get(EngineWorld& sim, std::uint64_t length) {
  PlannedExchange& exchange = sim.ledger.add();
  exchange.response_length = length;
  return exchange;
}

PlannedExchange& post(EngineWorld& sim, std::uint64_t length) {
  PlannedExchange& exchange = get(sim, 10);
  exchange.method = "POST";
  exchange.request_body = BodyKind::length;
  exchange.request_length = length;
  return exchange;
}

// The request as it is sent, its head filled up to `head_size`; counted as sent once and answered.
std::string request_of(PlannedExchange& exchange, std::size_t head_size = 0) {
  std::string head = fmt::format("{} /exchange/{} HTTP/1.1\r\nHost: h\r\nX-Exchange: {}\r\n", exchange.method, exchange.id, exchange.id);
  if (exchange.request_body == BodyKind::length) head += fmt::format("Content-Length: {}\r\n", exchange.request_length);
  constexpr std::string_view filler = "X-Filler: \r\n\r\n";
  if (head.size() + filler.size() < head_size) {
    head += "X-Filler: " + std::string(head_size - head.size() - filler.size(), 'f') + "\r\n";
  }
  ++exchange.sent;
  exchange.outcome = Outcome::complete;
  return head + "\r\n" + body_part(exchange.id, Side::request, 0, exchange.request_length);
}

std::string listed(const std::vector<std::string>& violations) {
  std::string text;
  for (const std::string& violation : violations) text += violation + "\n";
  return text;
}

// Runs until the client is done and looks that nothing is left behind.
void finish(EngineWorld& sim, const RawClient& client, bool everything_succeeds) {
  CHECK(sim.world.run_until([&] { return client.done(); }, 1h));
  sim.finish(everything_succeeds);
  INFO(listed(sim.violations()));
  CHECK(sim.violations().empty());
}

template <class Scenario>
void on_both_styles(Scenario&& scenario) {
  for (const Style style : {Style::readiness, Style::completion}) {
    INFO((style == Style::readiness ? "readiness" : "completion"));
    EngineOptions options;
    options.proxy.style = options.others.style = style;
    for (std::uint64_t seed = 1; seed <= seeds(10); ++seed) scenario(options, seed);
  }
}

void check_in_order(const RawClient& client, const std::vector<PlannedExchange*>& exchanges) {
  CHECK(client.statuses == std::vector<int>(exchanges.size(), 200));
  std::vector<std::string> expected;
  for (const PlannedExchange* exchange : exchanges) expected.push_back(std::to_string(exchange->id));
  CHECK(client.exchanges == expected);
}

}  // namespace

TEST_CASE("sixty requests of 640 bytes in one write are answered in order") {
  on_both_styles([](const EngineOptions& options, std::uint64_t seed) {
    EngineWorld sim(seed, options);
    sim.start();
    std::string text;
    std::vector<PlannedExchange*> exchanges;
    for (int i = 0; i < 60; ++i) {
      exchanges.push_back(&get(sim, 10));
      text += request_of(*exchanges.back(), 640);
    }
    REQUIRE(text.size() == 60 * 640);
    RawClient client(sim, seed);
    client.answers_wanted = 60;
    client.talk(text);
    finish(sim, client, true);
    check_in_order(client, exchanges);
  });
}

TEST_CASE("a POST with a second one of 33,000 bytes behind it: both are answered in order") {
  on_both_styles([](const EngineOptions& options, std::uint64_t seed) {
    EngineWorld sim(seed, options);
    sim.start();
    PlannedExchange& first = post(sim, 100);
    PlannedExchange& second = post(sim, 33'000);
    PlannedExchange& third = get(sim, 5'000);
    const std::string text = request_of(first) + request_of(second) + request_of(third);
    RawClient client(sim, seed);
    client.answers_wanted = 3;
    client.talk(text);
    finish(sim, client, true);
    check_in_order(client, {&first, &second, &third});
  });
}

TEST_CASE("what is pipelined behind a streamed body in the head's block is answered in order") {
  on_both_styles([](const EngineOptions& options, std::uint64_t seed) {
    EngineWorld sim(seed, options);
    sim.start();
    std::string text;
    std::vector<PlannedExchange*> exchanges;
    for (int i = 0; i < 12; ++i) {
      exchanges.push_back(i % 3 == 1 ? &get(sim, 40'000) : &post(sim, i % 2 == 0 ? 40'000 + seed : 7'000));
      text += request_of(*exchanges.back(), 300);
    }
    RawClient client(sim, seed);
    client.answers_wanted = exchanges.size();
    client.talk(text);
    finish(sim, client, true);
    check_in_order(client, exchanges);
  });
}

TEST_CASE("an origin that agrees before it has read the upload gets all of it, and the connection serves on") {
  on_both_styles([](const EngineOptions& options, std::uint64_t seed) {
    EngineWorld sim(seed, options);
    sim.start();
    PlannedExchange& early = post(sim, 300'000 + seed);
    early.early = true;
    PlannedExchange& after = get(sim, 100);
    const std::string text = request_of(early) + request_of(after);
    RawClient client(sim, seed);
    client.answers_wanted = 1;  // the answer says that the connection closes: weir cannot know that the rest will come
    client.talk(text);
    CHECK(sim.world.run_until([&] { return early.arrived_whole == 1; }, 1h));
    after.sent = 0;
    after.outcome = Outcome::unsent;
    finish(sim, client, false);
    check_in_order(client, {&early});
  });
}

TEST_CASE("a client that half-closes behind its requests gets every answer") {
  on_both_styles([](const EngineOptions& options, std::uint64_t seed) {
    EngineWorld sim(seed, options);
    sim.start();
    std::string text;
    std::vector<PlannedExchange*> exchanges;
    for (int i = 0; i < 10; ++i) {
      exchanges.push_back(i == 4 ? &post(sim, 20'000) : &get(sim, 3'000));
      text += request_of(*exchanges.back());
    }
    RawClient client(sim, seed);
    client.half_closes = true;
    client.waits_for_end = true;
    client.talk(text);
    finish(sim, client, true);
    check_in_order(client, exchanges);
    CHECK(client.ended);
  });
}

TEST_CASE("a client that half-closes while its answer comes gets all of it, however slow that is") {
  on_both_styles([](const EngineOptions& options, std::uint64_t seed) {
    EngineWorld sim(seed, options);
    FaultPlan narrow;
    narrow.window_min = narrow.window_max = 64;
    narrow.latency_min = narrow.latency_mean = 50ms;
    sim.set_origin_faults(narrow);
    sim.start();
    PlannedExchange& exchange = get(sim, 5'000);  // takes several seconds
    const std::string text = request_of(exchange);
    RawClient client(sim, seed);
    client.on_head = [](Wire& wire) { wire.end_output(); };
    client.talk(text);
    const TimePoint began = sim.world.now();
    CHECK(sim.world.run_until([&] { return client.done(); }, 1h));
    CHECK(sim.world.now() - began > 2s);
    finish(sim, client, true);
    check_in_order(client, {&exchange});
  });
}

TEST_CASE("what stands behind a refused CONNECT is never read as a request") {
  on_both_styles([](const EngineOptions& options, std::uint64_t seed) {
    EngineWorld sim(seed, options);
    sim.start();
    const std::string text = "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\nGET /secret HTTP/1.1\r\nHost: h\r\n\r\n";
    RawClient client(sim, seed);
    client.waits_for_end = true;
    client.talk(text);
    finish(sim, client, true);
    CHECK(client.statuses == std::vector<int>{405});
    CHECK(client.ended);
    CHECK(client.left_over.empty());
    CHECK(sim.server_ended());
  });
}

TEST_CASE("a client that writes 20 MB before it reads still sees its 413") {
  for (const bool chunked : {false, true}) {
    INFO((chunked ? "chunked" : "with a length"));
    on_both_styles([chunked](const EngineOptions& options, std::uint64_t seed) {
      if (seed > 2) return;
      EngineWorld sim(seed, options);
      proxy::RouteSpec& route = sim.spec->routes.emplace_back();
      route.upstream = "app";
      route.max_body = 1'000'000;
      sim.start();
      constexpr std::size_t size = 20'000'000;
      std::string text = "POST /upload HTTP/1.1\r\nHost: h\r\n";
      if (chunked) {
        PlannedExchange& exchange = post(sim, size);  // its head and a part of its body reach the origin
        exchange.request_body = BodyKind::chunked;
        exchange.sent = 1;
        text = fmt::format("POST /exchange/{} HTTP/1.1\r\nHost: h\r\nX-Exchange: {}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}",
                           exchange.id, exchange.id, size, body_part(exchange.id, Side::request, 0, size));
        text += "\r\n0\r\n\r\n";
      } else {
        text += fmt::format("Content-Length: {}\r\n\r\n{}", size, std::string(size, 'x'));
      }
      RawClient client(sim, seed);
      client.reads_late = true;
      client.waits_for_end = true;
      client.talk(text);
      finish(sim, client, false);
      CHECK(client.statuses == std::vector<int>{413});
      CHECK(client.ended);
    });
  }
}

}  // namespace weir::sim
