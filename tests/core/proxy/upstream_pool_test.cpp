// Which connections an endpoint keeps: those whose server has said neither too much nor that it is gone. On simulated
// systems of both kinds, where the moment of each event is the test's.

#include <memory>
#include <string>

#include "core/coro/scope.hpp"
#include "core/proxy/snapshot.hpp"
#include "core/proxy/upstream.hpp"
#include "core/reactor/awaitables.hpp"
#include "core/reactor/reactor.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_world.hpp"
#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<Spec> one_upstream(const Address& server) {
  auto spec = std::make_shared<Spec>();
  UpstreamSpec& upstream = spec->upstreams.emplace_back();
  upstream.name = "app";
  upstream.endpoints.emplace_back().addresses.push_back(server);
  return spec;
}

sim::SimProfile of_style(sim::Style style) {
  sim::SimProfile profile;
  profile.style = style;
  return profile;
}

// One connection of a pool to a server that says what the test wants, when it wants.
class Rig {
 public:
  explicit Rig(sim::Style style)
      : world_(1), servers_(world_.make_backend(of_style(style))), reactor_(world_.make_backend(of_style(style))) {
    for (Reactor* reactor : {&servers_, &reactor_}) world_.drive(*reactor);
    server_ = static_cast<sim::SimBackend&>(servers_.backend()).host();
    server_.port = 80;
    snapshot_ = std::make_unique<Snapshot>(one_upstream(server_));
    pools_ = std::make_unique<UpstreamPools>(reactor_, *snapshot_);
    OpenSpec listen;
    listen.what = OpenSpec::What::listener;
    listen.address = server_;
    listen.backlog = 10;
    REQUIRE_FALSE(servers_.backend().open(listener_, listen));
    REQUIRE_FALSE(servers_.backend().attach(listener_));
    scope_.spawn(accept());
    auto opened = pools_->open(endpoint(), server_);
    REQUIRE(opened);
    connection_ = *opened;
    scope_.spawn(connect());
    run();
    REQUIRE(connected_);
    REQUIRE(accepted_.is_open());
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;
  ~Rig() {
    pools_->close_idle();
    run();
    hang_up();
    servers_.backend().close(listener_);
    pools_.reset();  // verifies that no connection is left
    for (Reactor* reactor : {&servers_, &reactor_}) world_.release(*reactor);
  }

  Endpoint& endpoint() { return *pools_->at(0).pick(0); }
  UpstreamConnection& connection() { return *connection_; }
  UpstreamPools& pools() { return *pools_; }
  void give_back(bool reusable) { endpoint().give_back(*std::exchange(connection_, nullptr), reusable); }
  // What the server says is with the proxy's system when these return, and not with the proxy.
  void say(std::string text) {
    scope_.spawn(send(std::move(text)));
    run();
  }
  void hang_up() {
    if (accepted_.is_open()) servers_.backend().close(accepted_);
    run();
  }
  void receive() {
    scope_.spawn(read());
    run();
  }
  void run() { world_.run_for(1s); }

 private:
  Task<void> accept() {
    Accept accepting(servers_, listener_, accepted_, nullptr);
    auto accepted = co_await accepting;
    REQUIRE(accepted);
    REQUIRE_FALSE(servers_.backend().attach(accepted_));
  }
  Task<void> connect() {
    auto connected = co_await connection_->stream.connect(server_);
    connected_ = connected.has_value();
  }
  Task<void> send(std::string text) {
    IoSlice slice(text.data(), text.size());
    Send sending(servers_, accepted_, &slice, 1);
    auto sent = co_await sending;
    REQUIRE(sent);
    REQUIRE(*sent == text.size());
  }
  Task<void> read() {
    auto got = co_await connection_->stream.receive();
    REQUIRE(got);
  }

  sim::SimWorld world_;
  Reactor servers_, reactor_;
  Address server_;
  std::unique_ptr<Snapshot> snapshot_;
  std::unique_ptr<UpstreamPools> pools_;
  Handle listener_, accepted_;
  UpstreamConnection* connection_ = nullptr;
  bool connected_ = false;
  Scope scope_;
};

template <class Test>
void on_both_styles(Test&& test) {
  for (const sim::Style style : {sim::Style::readiness, sim::Style::completion}) {
    INFO((style == sim::Style::readiness ? "readiness" : "completion"));
    test(style);
  }
}

}  // namespace

TEST_CASE("A connection whose exchange ended in order is kept and taken again", "[upstream]") {
  on_both_styles([](sim::Style style) {
    Rig rig(style);
    UpstreamConnection* const connection = &rig.connection();
    CHECK_FALSE(connection->reused);
    rig.give_back(true);
    rig.run();
    CHECK(rig.pools().idle() == 1);
    CHECK(rig.endpoint().idle() == 1);
    CHECK(rig.endpoint().take_idle() == connection);
    CHECK(connection->reused);
    CHECK(rig.endpoint().take_idle() == nullptr);
    CHECK(rig.pools().idle() == 0);
    rig.endpoint().give_back(*connection, true);
    CHECK(rig.pools().idle() == 1);
  });
}

TEST_CASE("A connection that cannot be used again is closed", "[upstream]") {
  on_both_styles([](sim::Style style) {
    Rig rig(style);
    rig.give_back(false);
    CHECK(rig.pools().idle() == 0);
    rig.run();
    CHECK(rig.pools().live() == 0);
  });
}

TEST_CASE("A connection with bytes that nobody asked for in its input is closed", "[upstream]") {
  on_both_styles([](sim::Style style) {
    Rig rig(style);
    rig.say("more than was asked for");
    rig.receive();
    REQUIRE_FALSE(rig.connection().stream.input().empty());
    rig.give_back(true);
    CHECK(rig.pools().idle() == 0);
    CHECK(rig.endpoint().take_idle() == nullptr);
    rig.run();
    CHECK(rig.pools().live() == 0);
  });
}

TEST_CASE("A connection with bytes that nobody has received yet is closed", "[upstream]") {
  on_both_styles([](sim::Style style) {
    Rig rig(style);
    rig.say("more than was asked for");
    rig.give_back(true);
    // A system that completes operations later says so in the next turn, the others at once.
    if (style == sim::Style::readiness) CHECK(rig.endpoint().take_idle() == nullptr);
    rig.run();
    CHECK(rig.pools().idle() == 0);
    CHECK(rig.pools().live() == 0);
  });
}

TEST_CASE("A connection that its server has closed before it is given back is closed", "[upstream]") {
  on_both_styles([](sim::Style style) {
    Rig rig(style);
    rig.hang_up();
    rig.give_back(true);
    if (style == sim::Style::readiness) CHECK(rig.endpoint().take_idle() == nullptr);
    rig.run();
    CHECK(rig.pools().idle() == 0);
    CHECK(rig.pools().live() == 0);
  });
}

TEST_CASE("A connection that says something or ends while it is idle leaves the pool", "[upstream]") {
  on_both_styles([](sim::Style style) {
    for (const bool says : {true, false}) {
      Rig rig(style);
      rig.give_back(true);
      CHECK(rig.pools().idle() == 1);
      says ? rig.say("unasked") : rig.hang_up();
      CHECK(rig.pools().idle() == 0);
      CHECK(rig.pools().live() == 0);
    }
  });
}

}  // namespace weir::proxy::test
