// ConnectionPool on simulated sockets: which connections are kept, for how long, and when they leave.
#include "core/proxy/upstream/connection_pool.hpp"

#include <chrono>
#include <string_view>

#include "core/proxy/pinned_links.hpp"
#include "core/reactor/open.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t max_idle = 3;
constexpr Duration idle_timeout = 60s;

struct World {
  World() : world(1), reactor(world.make_backend()), store(reactor), pool(store) {
    pool.keep_at_most(max_idle, idle_timeout);
    world.drive(reactor);
  }
  ~World() {
    store.closing = true;
    pool.close_all();
    pass(1s);
    CHECK(store.connections.live() == 0);
    CHECK(store.idle == 0);
    CHECK(reactor.buffers().in_use() == 0);
    world.release(reactor);
  }

  sim::SimBackend& backend() { return static_cast<sim::SimBackend&>(reactor.backend()); }
  void pass(Duration span) { world.run_for(span); }

  sim::SimWorld world;
  Reactor reactor;
  ConnectionStore store;
  ConnectionPool pool;
};

Task<void> say(Stream& stream, std::string_view text) {
  IoSlice slice(text);
  const std::span<IoSlice> slices(&slice, 1);
  auto sent = co_await stream.send(slices);
  CHECK(sent);
}

// A leased connection and its server's end.
struct Connection {
  explicit Connection(World& w) : server(w.reactor), leased(w.pool.make()) {
    const auto pair = w.backend().make_socket_pair();
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = pair.first;
    REQUIRE_FALSE(open_attached(w.backend(), leased->stream.handle(), spec));
    spec.native = pair.second;
    REQUIRE_FALSE(open_attached(w.backend(), server.handle(), spec));
  }
  ~Connection() {
    if (server.is_open()) server.close_now();
    CHECK(scope.live() == 0);
  }
  void send(World& w, std::string_view text) {
    scope.spawn(say(server, text));
    w.pass(1s);
  }
  // Has weir closed its end? Looked at by the server, so once.
  bool closed_by_weir(World& w) {
    w.pass(1s);
    server.arm();
    w.pass(1s);
    const bool closed = server.ended();
    if (server.armed()) {
      server.cancel(Direction::in);
      w.pass(1s);
    }
    return closed;
  }

  Stream server;
  UpstreamConnection* leased;
  Scope scope;
};

TEST_CASE("an empty pool has no connection to give", "[pool]") {
  World world;
  CHECK(world.pool.take() == nullptr);
  CHECK_FALSE(world.pool.close_oldest());
  CHECK(world.pool.idle() == 0);
}

TEST_CASE("a reusable connection is kept, and leased again", "[pool]") {
  World world;
  Connection one(world);
  world.pool.give_back(*one.leased, true);
  CHECK(world.pool.idle() == 1);
  CHECK(world.store.idle == 1);
  CHECK(world.pool.take() == one.leased);
  CHECK(world.pool.idle() == 0);
  CHECK(world.store.idle == 0);
  CHECK(world.pool.take() == nullptr);
  world.pool.give_back(*one.leased, false);
}

TEST_CASE("a connection that cannot be used again is closed", "[pool]") {
  World world;
  Connection one(world);
  world.pool.give_back(*one.leased, false);
  CHECK(world.pool.idle() == 0);
  CHECK(world.store.connections.live() == 0);
  CHECK(one.closed_by_weir(world));
}

TEST_CASE("the connection that was used last is leased first", "[pool]") {
  World world;
  Connection one(world), two(world), three(world);
  for (Connection* it : {&two, &one, &three}) world.pool.give_back(*it->leased, true);
  CHECK(world.pool.take() == three.leased);
  CHECK(world.pool.take() == one.leased);
  CHECK(world.pool.take() == two.leased);
  for (Connection* it : {&one, &two, &three}) world.pool.give_back(*it->leased, false);
}

TEST_CASE("no more are kept than the limit allows", "[pool]") {
  World world;
  Connection one(world), two(world), three(world), four(world);
  for (Connection* it : {&one, &two, &three, &four}) world.pool.give_back(*it->leased, true);
  CHECK(world.pool.idle() == max_idle);
  CHECK(world.store.connections.live() == max_idle);
  CHECK(four.closed_by_weir(world));
}

TEST_CASE("a connection with unread input is not kept: nobody asked for those bytes", "[pool]") {
  World world;
  Connection one(world);
  one.leased->stream.arm();
  one.send(world, "HTTP/1.1 200 OK\r\n\r\n");
  REQUIRE(one.leased->stream.input().size() > 0);
  one.leased->stream.acknowledge_received();
  world.pool.give_back(*one.leased, true);
  CHECK(world.pool.idle() == 0);
  CHECK(one.closed_by_weir(world));
}

TEST_CASE("a connection whose unasked bytes wait in the kernel is not kept", "[pool]") {
  World world;
  Connection one(world);
  one.send(world, "HTTP/1.1 200 OK\r\n\r\n");
  world.pool.give_back(*one.leased, true);
  world.pass(1s);  // backends that complete an operation later find out in the next turn
  CHECK(world.pool.take() == nullptr);
  CHECK(one.closed_by_weir(world));
}

TEST_CASE("a connection that its server has closed leaves the pool at once", "[pool]") {
  World world;
  Connection one(world), two(world);
  world.pool.give_back(*one.leased, true);
  world.pool.give_back(*two.leased, true);
  two.server.close_now();
  world.pass(1s);
  CHECK(world.pool.idle() == 1);
  CHECK(world.store.connections.live() == 1);
  CHECK(world.pool.take() == one.leased);
  world.pool.give_back(*one.leased, false);
}

TEST_CASE("a kept connection that receives bytes leaves the pool", "[pool]") {
  World world;
  Connection one(world);
  world.pool.give_back(*one.leased, true);
  one.send(world, "surprise");
  CHECK(world.pool.idle() == 0);
  CHECK(world.store.connections.live() == 0);
}

TEST_CASE("a connection is kept for the idle timeout", "[pool]") {
  World world;
  Connection one(world);
  world.pool.give_back(*one.leased, true);
  world.pass(idle_timeout - 1s);
  CHECK(world.pool.idle() == 1);
  world.pass(2s);
  CHECK(world.pool.idle() == 0);
  CHECK(world.store.connections.live() == 0);
}

TEST_CASE("a lease ends the idle time, and the next one begins with its return", "[pool]") {
  World world;
  Connection one(world);
  world.pool.give_back(*one.leased, true);
  world.pass(idle_timeout - 1s);
  REQUIRE(world.pool.take() == one.leased);
  world.pass(idle_timeout);
  CHECK(world.store.connections.live() == 1);
  world.pool.give_back(*one.leased, true);
  world.pass(idle_timeout - 1s);
  CHECK(world.pool.idle() == 1);
  world.pass(2s);
  CHECK(world.pool.idle() == 0);
}

TEST_CASE("a server's announced timeout shortens the idle time by up to a second, and never prolongs it", "[pool]") {
  struct Case {
    Duration announced, kept;
  };
  for (const auto& [announced, kept] : {Case{5s, 4s}, Case{2s, 1s}, Case{1s, 500ms}, Case{3600s, idle_timeout}}) {
    World world;
    Connection one(world);
    one.leased->announced = announced;
    world.pool.give_back(*one.leased, true);
    world.pass(kept - 10ms);
    CHECK(world.pool.idle() == 1);
    world.pass(20ms);
    CHECK(world.pool.idle() == 0);
  }
}

TEST_CASE("a server that announces no time at all has its connection closed", "[pool]") {
  World world;
  Connection one(world);
  one.leased->announced = 0s;
  world.pool.give_back(*one.leased, true);
  CHECK(world.pool.idle() == 0);
  CHECK(one.closed_by_weir(world));
}

TEST_CASE("what cannot be sent again takes a connection that was in use a moment ago only", "[pool]") {
  World world;
  Connection one(world);
  world.pool.give_back(*one.leased, true);
  world.pass(900ms);
  REQUIRE(world.pool.take(Reuse::recent) == one.leased);
  world.pool.give_back(*one.leased, true);
  world.pass(1100ms);
  CHECK(world.pool.take(Reuse::recent) == nullptr);
  CHECK(world.pool.idle() == 1);
  REQUIRE(world.pool.take() == one.leased);
  one.leased->announced = 20s;
  world.pool.give_back(*one.leased, true);
  world.pass(9s);
  REQUIRE(world.pool.take(Reuse::recent) == one.leased);
  world.pool.give_back(*one.leased, true);
  world.pass(11s);
  CHECK(world.pool.take(Reuse::recent) == nullptr);
}

TEST_CASE("a connection whose end is known but not delivered is not leased", "[pool]") {
  World world;
  Connection one(world), two(world);
  world.pool.give_back(*one.leased, true);
  world.pool.give_back(*two.leased, true);
  world.pass(1s);
  // The end of `two` is found by a wait, and its connection asked for before the reactor delivers what the wait found.
  two.server.close_now();
  REQUIRE(world.world.run_until([&] { return two.leased->stream.result_is_due(); }, 1s));
  CHECK(world.pool.take() == one.leased);
  CHECK(world.pool.take() == nullptr);
  CHECK(world.pool.idle() == 0);
  world.pass(1s);
  CHECK(world.store.connections.live() == 1);
  world.pool.give_back(*one.leased, false);
}

TEST_CASE("a pinned connection is kept with its client, needs no room, and is never given to another", "[pool]") {
  World world;
  PinnedLinks client;
  Connection one(world), two(world), three(world), four(world);
  for (Connection* it : {&one, &two, &three}) world.pool.give_back(*it->leased, true);
  four.leased->pin_to(client);
  world.pool.give_back(*four.leased, true);
  CHECK(world.pool.idle() == max_idle);
  CHECK_FALSE(client.empty());
  CHECK(world.pool.take_pinned(*four.leased));
  CHECK(client.empty());
  world.pool.give_back(*four.leased, true);
  CHECK_FALSE(client.empty());
  client.close_all();
  CHECK(client.empty());
  CHECK(four.closed_by_weir(world));
  CHECK(world.store.connections.live() == max_idle);
}

TEST_CASE("a pinned connection leaves its client when its server closes it, and after the idle timeout", "[pool]") {
  World world;
  PinnedLinks client;
  Connection one(world), two(world);
  for (Connection* it : {&one, &two}) {
    it->leased->pin_to(client);
    world.pool.give_back(*it->leased, true);
  }
  one.server.close_now();
  world.pass(1s);
  CHECK(world.store.connections.live() == 1);
  CHECK_FALSE(client.empty());
  world.pass(idle_timeout);
  CHECK(client.empty());
  CHECK(world.store.connections.live() == 0);
}

TEST_CASE("the connection that has been idle longest makes room", "[pool]") {
  World world;
  Connection one(world), two(world);
  world.pool.give_back(*one.leased, true);
  world.pool.give_back(*two.leased, true);
  CHECK(world.pool.close_oldest());
  CHECK(world.pool.idle() == 1);
  CHECK(one.closed_by_weir(world));
  CHECK(world.pool.take() == two.leased);
  world.pool.give_back(*two.leased, false);
}

TEST_CASE("once the store is closing nothing is kept", "[pool]") {
  World world;
  Connection one(world), two(world);
  world.pool.give_back(*one.leased, true);
  world.store.closing = true;
  world.pool.close_all();
  world.pool.give_back(*two.leased, true);
  CHECK(world.pool.idle() == 0);
  world.pass(1s);
  CHECK(world.store.connections.live() == 0);
}

}  // namespace
}  // namespace weir::proxy::test
