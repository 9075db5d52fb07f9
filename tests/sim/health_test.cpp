// Health checks on the simulated backend: what each kind finds, when a state changes and when it does not, how many run
// at a time, that nothing is left of them, and that a request never goes to an endpoint that is down.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>

#include "core/net/stream.hpp"
#include "core/proxy/h1/upstream_stream.hpp"
#include "core/reactor/awaitables.hpp"
#include "tests/sim/backend/sim_children.hpp"
#include "tests/sim/engine_world.hpp"
#include "tests/sim/seeds.hpp"
#include "tests/support/catch.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using proxy::HealthCheckSpec;
using Kind = HealthCheckSpec::Kind;

// A server that answers every connection in one way, which a test may change at any time.
class CheckServer {
 public:
  CheckServer(Reactor& reactor, const Address& address) : reactor_(reactor), address_(address) {}

  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";  // empty: says nothing
  std::vector<std::string> requests;
  std::vector<TimePoint> arrivals;

  void open() {
    OpenSpec spec;
    spec.what = OpenSpec::What::listener;
    spec.address = address_;
    REQUIRE_FALSE(reactor_.backend().open(listener_, spec));
    REQUIRE_FALSE(reactor_.backend().attach(listener_));
    closing_ = false;
    serving_.spawn(accept_all());
  }
  void close() noexcept {
    closing_ = true;
    if (accepting_) reactor_.cancel(*accepting_);
    for (Stream* stream : open_) stream->cancel(Direction::both);
  }
  bool ended() const noexcept { return serving_.live() == 0; }

 private:
  Task<void> accept_all() {
    while (!closing_) {
      auto stream = std::make_unique<Stream>(reactor_);
      Accept accept(reactor_, listener_, stream->handle(), nullptr);
      accepting_ = &accept.op();
      auto accepted = co_await accept;
      accepting_ = nullptr;
      if (!accepted) break;
      arrivals.push_back(reactor_.now());
      serving_.spawn(serve(std::move(stream)));
    }
    reactor_.backend().close(listener_);
  }

  Task<void> serve(std::unique_ptr<Stream> owned) {
    Stream& stream = *owned;
    open_.push_back(&stream);
    const Error error = reactor_.backend().attach(stream.handle());
    WEIR_VERIFY(!error);
    std::string request;
    while (!closing_ && request.find("\r\n\r\n") == std::string::npos) {
      auto got = co_await stream.receive();
      if (!got || *got == 0) break;
      request += stream.input().view();
      stream.input().clear();
    }
    if (!request.empty()) requests.push_back(request);
    if (!request.empty() && !answer.empty()) {
      std::string text = answer;
      IoSlice slice(text);
      auto sent = co_await stream.send(std::span<IoSlice>(&slice, 1));
      static_cast<void>(sent);
    } else if (!request.empty()) {
      auto ignored = co_await stream.receive();  // until the check gives up
      static_cast<void>(ignored);
    }
    std::erase(open_, &stream);
    auto ending = stream.close();
    co_await ending;
  }

  Reactor& reactor_;
  Address address_;
  Handle listener_;
  Op* accepting_ = nullptr;
  bool closing_ = false;
  std::vector<Stream*> open_;
  Scope serving_;
};

// The checks of one upstream beside their servers.
class CheckWorld {
 public:
  explicit CheckWorld(std::uint64_t seed, Style style = Style::readiness, std::size_t endpoints = 1) : world(seed) {
    SimProfile profile;
    profile.style = style;
    servers_ = std::make_unique<Reactor>(world.make_backend());
    control_ = std::make_unique<Reactor>(world.make_backend(profile));
    world.drive(*servers_);
    world.drive(*control_);
    upstream().name = "app";
    upstream().health_check = HealthCheckSpec{};
    for (std::size_t i = 0; i < endpoints; ++i) {
      Address address = static_cast<SimBackend&>(servers_->backend()).host();
      address.port = static_cast<std::uint16_t>(9000 + i);
      proxy::EndpointSpec endpoint;
      endpoint.text = to_string(address);
      endpoint.addresses.push_back(address);
      upstream().endpoints.push_back(endpoint);
      servers.emplace_back(*servers_, address);
    }
  }
  ~CheckWorld() {
    end();
    for (CheckServer& server : servers) server.close();
    CHECK(world.run_until([&] { return std::all_of(servers.begin(), servers.end(), [](auto& s) { return s.ended(); }); }, 1h));
    CHECK(backend().open_handles() == 0);
    CHECK(world.children().processes() == 0);
    CHECK(control_->buffers().in_use() == 0);
    world.release(*servers_);
    world.release(*control_);
    control_.reset();
    servers_.reset();
    CHECK(world.open_handles() == 0);
  }

  proxy::UpstreamSpec& upstream() { return spec->upstreams[0]; }
  HealthCheckSpec& check() { return *upstream().health_check; }
  SimBackend& backend() { return static_cast<SimBackend&>(control_->backend()); }

  void start() {
    for (const proxy::EndpointSpec& endpoint : upstream().endpoints) kept.push_back(states.of("app", endpoint.text));
    proxy::HealthOptions options;
    options.seed = world.seed();
    options.context = this;
    options.report = [](void* context, const proxy::HealthEvent& event) noexcept {
      static_cast<CheckWorld*>(context)->events.push_back(text_of(event));
    };
    proxy::Findings findings;
    findings.states = &states;
    protocol_ = std::make_unique<proxy::h1::UpstreamSide>(*control_);
    options.protocol = protocol_.get();
    checks_ = std::make_unique<proxy::HealthScheduler>(*control_, std::make_shared<const proxy::Snapshot>(spec, findings),
                                                       options);
    running_.spawn(checks_->run());
  }
  // Another configuration; `change` is applied to a copy of the present one.
  void adopt(const std::function<void(proxy::Spec&)>& change) {
    auto next = std::make_shared<proxy::Spec>(*spec);
    change(*next);
    spec = next;
    proxy::Findings findings;
    findings.states = &states;
    adopted_.snapshot = std::make_shared<const proxy::Snapshot>(next, findings);
    adopted_.checks = checks_.get();
    adopted_.run = [](Posted& posted) noexcept {
      auto& order = static_cast<Adopt&>(posted);
      order.checks->adopt(std::move(order.snapshot));
    };
    control_->post(adopted_);
    world.run_for(1ms);
  }
  std::size_t targets() const { return checks_->endpoints(); }
  // Ends the checks; how long that took.
  Duration end() {
    if (!checks_) return {};
    const TimePoint asked = world.now();
    checks_->stop();
    CHECK(world.run_until([&] { return running_.live() == 0; }, 1h));
    checks_.reset();
    protocol_.reset();
    return world.now() - asked;
  }
  bool is_up(std::size_t i = 0) const { return kept[i]->is_up(); }
  std::uint64_t count(std::size_t i = 0) const { return kept[i]->checks(); }
  bool run_checks(std::uint64_t more, std::size_t i = 0) {
    const std::uint64_t until = count(i) + more;
    return world.run_until([&] { return count(i) >= until; }, 1h);
  }

  SimWorld world;
  std::shared_ptr<proxy::Spec> spec = [] {
    auto made = std::make_shared<proxy::Spec>();
    made->upstreams.emplace_back();
    return made;
  }();
  proxy::EndpointStates states;
  std::deque<CheckServer> servers;
  std::vector<std::shared_ptr<proxy::EndpointState>> kept;
  std::vector<std::string> events;

 private:
  std::unique_ptr<Reactor> servers_, control_;
  std::unique_ptr<proxy::h1::UpstreamSide> protocol_;
  std::unique_ptr<proxy::HealthScheduler> checks_;
  Scope running_;
  struct Adopt : Posted {
    proxy::HealthScheduler* checks = nullptr;
    std::shared_ptr<const proxy::Snapshot> snapshot;
  } adopted_;
};

template <class Scenario>
void on_both_styles(Scenario&& scenario) {
  for (const Style style : {Style::readiness, Style::completion}) {
    INFO((style == Style::readiness ? "readiness" : "completion"));
    for (std::uint64_t seed = 1; seed <= seeds(10); ++seed) {
      INFO("seed " << seed);
      scenario(seed, style);
    }
  }
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

TEST_CASE("a tcp check follows its server down and up, after exactly fall and rise checks") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style);
    sim.check().rise = static_cast<std::uint32_t>(1 + seed % 3);
    sim.check().fall = static_cast<std::uint32_t>(1 + seed % 4);
    sim.servers[0].open();
    sim.start();
    REQUIRE(sim.run_checks(2));
    CHECK(sim.is_up());
    CHECK(sim.events.empty());

    sim.servers[0].close();
    REQUIRE(sim.world.run_until([&] { return sim.servers[0].ended(); }, 1min));
    REQUIRE(sim.run_checks(sim.check().fall - 1));
    CHECK(sim.is_up());
    REQUIRE(sim.run_checks(1));
    CHECK_FALSE(sim.is_up());
    REQUIRE(sim.events.size() == 1);
    CHECK(contains(sim.events[0], "endpoint is down upstream=app endpoint=" + sim.upstream().endpoints[0].text));
    CHECK(contains(sim.events[0], "up=0/1 check=tcp reason=\"connection refused"));

    sim.servers[0].open();
    REQUIRE(sim.run_checks(sim.check().rise - 1));
    CHECK_FALSE(sim.is_up());
    REQUIRE(sim.run_checks(1));
    CHECK(sim.is_up());
    REQUIRE(sim.events.size() == 2);
    CHECK(contains(sim.events[1], "endpoint is up"));
    CHECK(contains(sim.events[1], "up=1/1"));
  });
}

TEST_CASE("another configuration leaves checks that stay alone, ends those that go and begins those that are new") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style, 2);
    for (CheckServer& server : sim.servers) server.open();
    sim.start();
    REQUIRE(sim.run_checks(3, 0));
    REQUIRE(sim.run_checks(3, 1));
    for (int i = 0; i < 50; ++i) sim.adopt([&](proxy::Spec& spec) { spec.timeouts.idle = std::chrono::seconds{i + 1}; });
    CHECK(sim.targets() == 2);
    const TimePoint before = sim.world.now();
    const std::uint64_t had = sim.count(0);
    REQUIRE(sim.run_checks(2, 0));
    // One interval lies between two checks however many configurations there were.
    CHECK(sim.world.now() - before > sim.check().interval);
    CHECK(sim.count(0) == had + 2);

    sim.adopt([](proxy::Spec& spec) { spec.upstreams[0].endpoints.pop_back(); });
    CHECK(sim.targets() == 1);
    const std::uint64_t ended = sim.count(1);
    REQUIRE(sim.run_checks(3, 0));
    CHECK(sim.count(1) == ended);

    sim.servers[0].close();
    sim.adopt([](proxy::Spec& spec) { spec.upstreams[0].health_check->fall = 1; });
    REQUIRE(sim.run_checks(1, 0));
    CHECK_FALSE(sim.is_up(0));
  });
}

TEST_CASE("before the first check an endpoint is up, and the first check alone decides") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style, 2);
    sim.check().interval = 1min;
    sim.servers[1].open();
    sim.start();
    CHECK((sim.is_up(0) && sim.is_up(1)));
    REQUIRE(sim.world.run_until([&] { return sim.count(0) == 1 && sim.count(1) == 1; }, 2s));  // not a minute later
    CHECK_FALSE(sim.is_up(0));
    CHECK(sim.is_up(1));
  });
}

TEST_CASE("an http check asks for its path and looks at the status") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style);
    sim.check().kind = Kind::http;
    sim.check().path = "/healthz?deep=1";
    sim.check().rise = sim.check().fall = 1;
    CheckServer& server = sim.servers[0];
    server.open();
    sim.start();
    struct {
      const char* answer;
      bool passes;
      const char* reason;
    } const cases[] = {
        {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy", false, "status 503"},
        {"HTTP/1.1 204 No Content\r\n\r\n", true, "status 204"},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false, "status 404"},
        {"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nHTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n"
         "Content-Length: 0\r\n\r\n0\r\n\r\n",
         true, "status 204"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         true, "status 302"},
        {"SSH-2.0-OpenSSH_9.2\r\n", false, "the answer is not HTTP"},
        {"HTTP/1.0 200 OK\r\n\r\nuntil the end", true, "status 200"},
        {"HTTP/1.1 200 OK\r\nContent-Le", false, "the connection ended before an answer"},
    };
    bool was_up = true;
    for (const auto& one : cases) {
      INFO(one.answer);
      const std::size_t told = sim.events.size();
      server.answer = one.answer;
      REQUIRE(sim.run_checks(2));
      CHECK(sim.is_up() == one.passes);
      if (one.passes == was_up) continue;
      was_up = one.passes;
      REQUIRE(sim.events.size() == told + 1);
      CHECK(contains(sim.events.back(), one.reason));
    }
    const std::string expected = "GET /healthz?deep=1 HTTP/1.1\r\nHost: " + sim.upstream().endpoints[0].text +
                                 "\r\nUser-Agent: weir-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    for (const std::string& request : server.requests) CHECK(request == expected);
  });
}

TEST_CASE("an http check sends its host and headers, and passes with the statuses that are listed") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style);
    sim.check().kind = Kind::http;
    sim.check().path = "/up";
    sim.check().host = "app.test:8443";
    sim.check().headers = {{"user-agent", "own"}, {"X-Forwarded-Proto", "https"}, {"Authorization", "Basic eDp5"}};
    sim.check().expect = {{401, 401}, {500, 503}};
    sim.check().rise = sim.check().fall = 1;
    CheckServer& server = sim.servers[0];
    server.open();
    sim.start();
    for (const auto& [status, passes] : {std::pair{"401 x", true}, {"200 OK", false}, {"500 x", true}, {"499 x", false},
                                         {"503 x", true}, {"504 x", false}}) {
      INFO(status);
      server.answer = std::string("HTTP/1.1 ") + status + "\r\nContent-Length: 0\r\n\r\n";
      REQUIRE(sim.run_checks(2));
      CHECK(sim.is_up() == passes);
    }
    const std::string expected =
        "GET /up HTTP/1.1\r\nHost: app.test:8443\r\nAccept: */*\r\nuser-agent: own\r\nX-Forwarded-Proto: https\r\n"
        "Authorization: Basic eDp5\r\nConnection: close\r\n\r\n";
    for (const std::string& request : server.requests) CHECK(request == expected);
  });
}

TEST_CASE("a long answer to an http check is read up to a bound and no further") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style);
    sim.check().kind = Kind::http;
    sim.check().path = "/";
    sim.servers[0].answer = "HTTP/1.1 200 OK\r\n\r\n" + std::string(300'000, 'x');
    sim.servers[0].open();
    sim.start();
    REQUIRE(sim.run_checks(2));
    CHECK(sim.is_up());
  });
}

TEST_CASE("a check that gets no answer, or no connection, fails at its timeout") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style);
    sim.check().kind = Kind::http;
    sim.check().path = "/";
    sim.check().fall = 1;
    sim.servers[0].answer = "";
    const bool hangs = seed % 2 == 0;
    if (hangs) {
      FaultPlan faults;
      faults.hang = 1;
      sim.world.set_faults(faults);
    }
    sim.servers[0].open();
    sim.start();
    const TimePoint begun = sim.world.now();
    REQUIRE(sim.run_checks(1));
    CHECK(sim.world.now() - begun >= 2s);
    CHECK(sim.world.now() - begun < 3100ms);
    CHECK_FALSE(sim.is_up());
    REQUIRE(sim.events.size() == 1);
    CHECK(contains(sim.events[0], hangs ? "no connection within 2000 ms" : "no answer within 2000 ms"));
  });
}

TEST_CASE("checks never overlap, keep their interval, and are spread over it") {
  CheckWorld sim(7, Style::readiness, 40);
  sim.check().interval = 10s;
  for (CheckServer& server : sim.servers) server.open();
  sim.start();
  const TimePoint begun = sim.world.now();
  sim.world.run_for(65s);
  std::array<int, 10> per_second{};
  for (CheckServer& server : sim.servers) {
    CHECK(server.arrivals.size() >= 6);
    CHECK(server.arrivals.size() <= 8);
    CHECK(server.arrivals[0] - begun <= 1100ms);
    for (std::size_t i = 2; i < server.arrivals.size(); ++i) {
      const Duration gap = server.arrivals[i] - server.arrivals[i - 1];
      CHECK(gap >= 9900ms);
      CHECK(gap <= 10100ms);
    }
    ++per_second[static_cast<std::size_t>((server.arrivals[2] - begun) / 1s % 10)];
  }
  CHECK(*std::max_element(per_second.begin(), per_second.end()) <= 12);
}

TEST_CASE("an endpoint with several addresses is up as long as one of them can be connected to") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style, 2);
    auto& endpoints = sim.upstream().endpoints;
    endpoints[0].addresses.push_back(endpoints[1].addresses[0]);
    endpoints.pop_back();
    sim.servers[1].open();  // the second address
    sim.start();
    REQUIRE(sim.run_checks(2));
    CHECK(sim.is_up());
    CHECK(sim.servers[1].arrivals.size() == 2);
  });
}

TEST_CASE("an endpoint that is listed twice is checked once") {
  CheckWorld sim(1);
  sim.upstream().endpoints.push_back(sim.upstream().endpoints[0]);
  sim.servers[0].open();
  sim.start();
  REQUIRE(sim.run_checks(3));
  CHECK(sim.servers[0].arrivals.size() == 3);
}

TEST_CASE("a lack of descriptors is told once and changes no state") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style);
    FaultPlan faults;
    faults.open_failure = 1;
    sim.world.set_faults(faults);
    sim.check().fall = 1;
    sim.start();
    sim.world.run_for(30s);
    CHECK(sim.is_up());
    CHECK(sim.count() == 0);
    REQUIRE(sim.events.size() == 1);
    CHECK(contains(sim.events[0], "endpoint cannot be checked"));
  });
}

TEST_CASE("a script decides by its exit code, and its output stands in the line about the change") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style);
    sim.check().kind = Kind::script;
    sim.check().script = {"replica-lag", "--max", "5s"};
    sim.check().rise = sim.check().fall = 1;
    SimProgram next;
    std::vector<EnvironmentVariable> told;
    std::vector<std::string> argv;
    sim.world.children().install("replica-lag", [&](const SpawnSpec& spec) {
      argv.assign(spec.argv.begin(), spec.argv.end());
      told.assign(spec.environment.begin(), spec.environment.end());
      return next;
    });
    sim.start();
    REQUIRE(sim.run_checks(1));
    CHECK(sim.is_up());
    CHECK((argv == sim.check().script));
    const proxy::EndpointSpec& endpoint = sim.upstream().endpoints[0];
    const auto value = [&](std::string_view name) {
      const auto found = std::find_if(told.begin(), told.end(), [&](const auto& it) { return it.name == name; });
      return found == told.end() ? std::string("(not there)") : found->value;
    };
    CHECK(value("WEIR_UPSTREAM") == "app");
    CHECK(value("WEIR_ENDPOINT") == endpoint.text);
    CHECK(value("WEIR_ADDRESS") + ":" + value("WEIR_PORT") == endpoint.text);
    CHECK(value("WEIR_ADDRESSES") == endpoint.text);
    CHECK(value("WEIR_STATE") == "up");

    next.code = 2;
    next.out = "lag 17s\n";
    next.err = "too much\n";
    REQUIRE(sim.run_checks(2));
    CHECK_FALSE(sim.is_up());
    CHECK(value("WEIR_STATE") == "down");
    REQUIRE(sim.events.size() == 1);
    CHECK(contains(sim.events[0], "reason=\"exit code 2\""));
    CHECK(contains(sim.events[0], "output=\"lag 17s too much\""));

    next = {};
    REQUIRE(sim.run_checks(1));
    next.signal = 11;
    REQUIRE(sim.run_checks(1));
    CHECK(contains(sim.events.back(), "ended by signal 11"));
    next = {};
    next.out = std::string(100'000, 'x');
    REQUIRE(sim.run_checks(1));
    CHECK(sim.is_up());
    CHECK(contains(sim.events.back(), "xxx..."));
    CHECK(sim.events.back().size() < proxy::kept_output + 300);
  });
}

TEST_CASE("a script that hangs is killed with all it started, and its endpoint is down") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style);
    sim.check().kind = Kind::script;
    sim.check().script = {"hangs"};
    SimProgram program;
    program.never_ends = true;
    program.leaves_descendant = seed % 2 == 0;
    sim.world.children().install("hangs", program);
    sim.start();
    REQUIRE(sim.run_checks(1));
    CHECK_FALSE(sim.is_up());
    CHECK(contains(sim.events.at(0), "no end within 2000 ms: killed"));
    CHECK(sim.world.children().processes() == 0);
  });
}

TEST_CASE("a script that is not there takes its endpoint down, a lack of processes does not") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style);
    sim.check().kind = Kind::script;
    sim.check().script = {"missing"};
    const bool lack = seed % 2 == 0;
    FaultPlan faults;
    faults.spawn_failure = lack ? 1 : 0;
    sim.world.set_faults(faults);
    sim.start();
    sim.world.run_for(20s);
    CHECK(sim.is_up() == lack);
    REQUIRE(sim.events.size() == 1);
    CHECK(contains(sim.events[0], "cannot be started: "));
  });
}

TEST_CASE("scripts run a few at a time, every endpoint gets its turn, and a stop ends them all at once") {
  on_both_styles([](std::uint64_t seed, Style style) {
    CheckWorld sim(seed, style, 60);
    sim.check().kind = Kind::script;
    sim.check().script = {"slow"};
    sim.check().timeout = 2s;
    sim.check().interval = 30s;
    sim.spec->runtime.max_scripts = 4;
    SimProgram program;
    program.takes = 1500ms;
    sim.world.children().install("slow", program);
    std::size_t most = 0;
    sim.start();
    REQUIRE(sim.world.run_until(
        [&] {
          most = std::max(most, sim.world.children().running());
          return std::all_of(sim.kept.begin(), sim.kept.end(), [](const auto& state) { return state->checks() > 0; });
        },
        2min));
    CHECK(most == 4);
    REQUIRE(sim.world.run_until([&] { return sim.world.children().running() == 4; }, 2min));
    CHECK(sim.end() < 300ms);
    CHECK(sim.world.children().processes() == 0);
    CHECK(sim.events.empty());
  });
}

TEST_CASE("no request goes to an endpoint that is down; with all down the answer is 503 at once, until one is up") {
  on_both_styles([](std::uint64_t seed, Style style) {
    EngineOptions options;
    options.proxy.style = style;
    options.origins = 2;
    EngineWorld sim(seed, options);
    HealthCheckSpec check;
    check.kind = Kind::script;
    check.script = {"check"};
    check.rise = 1;
    check.fall = 2;
    sim.spec->upstreams[0].health_check = check;
    const auto& endpoints = sim.spec->upstreams[0].endpoints;
    bool well[2] = {true, false};
    sim.world.children().install("check", [&](const SpawnSpec& spec) {
      SimProgram program;
      for (const EnvironmentVariable& variable : spec.environment) {
        if (variable.name == "WEIR_ENDPOINT") program.code = well[variable.value == endpoints[1].text ? 1 : 0] ? 0 : 1;
      }
      return program;
    });
    sim.start();
    const auto state = [&](std::size_t i) { return sim.states.of("app", endpoints[i].text); };
    const auto ask = [&](int count) {
      std::vector<PlannedExchange*> exchanges;
      for (int i = 0; i < count; ++i) {
        exchanges.push_back(&sim.ledger.add());
        exchanges.back()->response_length = 100;
      }
      sim.add_client(sim.client_options(), exchanges);
      REQUIRE(sim.run_clients(1min));
      return exchanges;
    };
    const auto wait_for = [&](bool first, bool second) {
      return sim.world.run_until([&] { return state(0)->is_up() == first && state(1)->is_up() == second; }, 1min);
    };
    REQUIRE(wait_for(true, false));
    for (const PlannedExchange* exchange : ask(10)) CHECK(exchange->outcome == Outcome::complete);
    CHECK(sim.origin(0).requests() == 10);
    CHECK(sim.origin(1).requests() == 0);

    well[0] = false;
    REQUIRE(wait_for(false, false));
    for (const PlannedExchange* exchange : ask(3)) {
      CHECK(exchange->outcome == Outcome::refused);
      CHECK(exchange->seen_status == 503);
      CHECK(exchange->ended - exchange->first_sent < 100ms);
    }
    CHECK(sim.origin(0).requests() + sim.origin(1).requests() == 10);

    well[1] = true;
    REQUIRE(wait_for(false, true));
    for (const PlannedExchange* exchange : ask(10)) CHECK(exchange->outcome == Outcome::complete);
    CHECK(sim.origin(1).requests() == 10);
    well[0] = true;
    REQUIRE(wait_for(true, true));
    ask(10);
    CHECK(sim.origin(0).requests() == 15);
    CHECK(sim.origin(1).requests() == 15);
    sim.finish(false);
    for (const std::string& violation : sim.violations()) FAIL_CHECK(violation);
  });
}

TEST_CASE("the state of an endpoint lives as long as somebody keeps it") {
  proxy::EndpointStates states;
  auto state = states.of("app", "10.0.0.1:80");
  CHECK(states.of("app", "10.0.0.1:80") == state);
  CHECK(states.of("api", "10.0.0.1:80") != state);
  CHECK(state->record(false, 2, 3) == proxy::EndpointState::Change::down);
  CHECK_FALSE(states.of("app", "10.0.0.1:80")->is_up());  // the configuration may have been loaded again meanwhile
  state.reset();
  CHECK(states.of("app", "10.0.0.1:80")->is_up());
}

}  // namespace weir::sim
