// ConnectionTable: how much room the limits of a listener and of the process leave.
#include "core/proxy/connection_table.hpp"

#include "core/proxy/h1/client_side.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

constexpr std::uint32_t unbounded = UINT32_MAX;

std::shared_ptr<Spec> listeners(std::initializer_list<std::uint32_t> limits) {
  auto spec = std::make_shared<Spec>();
  for (const std::uint32_t limit : limits) spec->listeners.emplace_back().max_connections = limit;
  return spec;
}

struct World {
  World(std::shared_ptr<const Spec> spec, const ServerOptions& options, std::uint32_t max_connections = 0)
      : world(1), reactor(world.make_backend()), snapshot(compiled(std::move(spec), max_connections)),
        engine(reactor, snapshot, options), clients(engine, table),
        table(engine, clients) {
    world.drive(reactor);
  }
  ~World() {
    table.stop();
    CHECK(world.run_until([this] { return table.empty() && engine.scope.live() == 0; }, std::chrono::hours{1}));
    for (const NativeHandle other : others) static_cast<sim::SimBackend&>(reactor.backend()).discard(other);
    world.release(reactor);
  }
  static std::shared_ptr<const Snapshot> compiled(std::shared_ptr<const Spec> spec, std::uint32_t max_connections) {
    Findings findings;
    findings.max_connections = max_connections;
    return std::make_shared<const Snapshot>(std::move(spec), findings);
  }
  // Serves a connection that came by this listener.
  void connect(std::uint32_t listener) {
    auto& backend = static_cast<sim::SimBackend&>(reactor.backend());
    const auto pair = backend.make_socket_pair();
    others.push_back(pair.second);
    ClientConnection& connection = table.make(listener);
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = pair.first;
    REQUIRE_FALSE(backend.open(connection.stream.handle(), spec));
    REQUIRE_FALSE(table.place(connection));
  }

  sim::SimWorld world;
  Reactor reactor;
  std::shared_ptr<const Snapshot> snapshot;
  Engine engine;
  h1::ClientSide clients;
  ConnectionTable table;
  std::vector<NativeHandle> others;
};

TEST_CASE("without limits there is room for any number", "[connections]") {
  World world(listeners({0}), {});
  world.connect(0);
  CHECK(world.table.room(0) == unbounded);
  CHECK(world.table.open() == 1);
}

TEST_CASE("a listener's limit counts what came by it", "[connections]") {
  World world(listeners({2, 0, 1}), {});
  world.connect(0);
  world.connect(1);
  CHECK(world.table.room(0) == 1);
  CHECK(world.table.room(1) == unbounded);
  CHECK(world.table.room(2) == 1);
  world.connect(0);
  CHECK(world.table.is_full(0));
  CHECK_FALSE(world.table.is_full(2));
}

TEST_CASE("the limit of the process counts every connection, and the smaller limit holds", "[connections]") {
  World world(listeners({2, 0}), {}, 3);
  CHECK(world.table.room(0) == 2);
  CHECK(world.table.room(1) == 3);
  world.connect(1);
  world.connect(1);
  CHECK(world.table.room(0) == 1);
  CHECK(world.table.room(1) == 1);
  world.connect(0);
  CHECK(world.table.is_full(0));
  CHECK(world.table.is_full(1));
}

TEST_CASE("workers count together, and what is over the limit is no room", "[connections]") {
  SharedCounters shared;
  shared.connections = 7;  // of other workers
  ServerOptions options;
  options.shared = &shared;
  World world(listeners({6}), options, 10);
  std::atomic<std::uint32_t>& of_listener = world.snapshot->listeners[0].state->connections;
  of_listener = 4;
  CHECK(world.table.room(0) == 2);
  world.connect(0);
  CHECK(shared.connections == 8);
  CHECK(of_listener == 5);
  CHECK(world.table.room(0) == 1);
  shared.connections = 12;
  CHECK(world.table.is_full(0));
  shared.connections = 8;
}

TEST_CASE("a connection that has ended leaves room again", "[connections]") {
  SharedCounters shared;
  ServerOptions options;
  options.shared = &shared;
  World world(listeners({0}), options, 1);
  world.connect(0);
  CHECK(world.table.is_full(0));
  world.table.stop();
  CHECK(world.world.run_until([&] { return world.table.empty(); }, std::chrono::hours{1}));
  CHECK(world.table.room(0) == 1);
  CHECK(shared.connections == 0);
}

}  // namespace
}  // namespace weir::proxy::test
