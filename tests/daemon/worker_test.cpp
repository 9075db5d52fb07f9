// A worker's life from the control thread's side, on real sockets.
#include "daemon/worker.hpp"

#include <condition_variable>

#include "core/backends/registry.hpp"
#include "daemon/distributor.hpp"
#include "daemon/listening.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sockets.hpp"

using namespace weir;
using namespace weir::daemon;

namespace {

// Told by the worker's thread that something changed; waits on the test's.
struct Watcher {
  std::mutex mutex;
  std::condition_variable condition;
  std::uint64_t changes = 0;

  static void changed(void* context) noexcept {
    Watcher& watcher = *static_cast<Watcher*>(context);
    const std::lock_guard lock(watcher.mutex);
    ++watcher.changes;
    watcher.condition.notify_all();
  }
  template <class Condition>
  void wait(Condition condition_met) {
    std::unique_lock lock(mutex);
    condition.wait(lock, condition_met);
  }
};

std::shared_ptr<const proxy::Snapshot> hello_snapshot() {
  auto spec = std::make_shared<proxy::Spec>();
  proxy::ListenerSpec& listener = spec->listeners.emplace_back();
  listener.name = "web";
  listener.bind_texts = {"127.0.0.1:0"};
  listener.bind = {*parse_address(listener.bind_texts[0])};
  proxy::RouteSpec& route = spec->routes.emplace_back();
  route.name = "hello";
  route.respond = proxy::Respond{};
  route.respond->body = "hello";
  spec->access_log.enabled = true;
  spec->runtime.shutdown.idle = Duration{};
  return std::make_shared<const proxy::Snapshot>(spec);
}

struct Rig {
  std::string lines;
  LogWriter log{LogOptions{.write = [this](std::string_view text) { lines += text; }}};
  Watcher watcher;
  std::shared_ptr<const proxy::Snapshot> snapshot = hello_snapshot();
  ListeningSockets sockets;

  Worker::Setup setup() {
    Worker::Setup result;
    result.backend = std::move(*make_backend("auto"));
    result.snapshot = snapshot;
    result.log = &log;
    result.access_log = &log;
    result.seed = 1;
    result.changed = Watcher::changed;
    result.context = &watcher;
    return result;
  }
};

// Sends one request and returns everything until the end of the connection.
std::string ask(std::uint16_t port) {
  const NativeHandle socket = test::connect_to(port);
  REQUIRE(test::send_all(socket, "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));
  std::string answer = test::receive_rest(socket);
  test::close_socket(socket);
  return answer;
}

}  // namespace

TEST_CASE("a worker serves what it was given until it is told to drain") {
  Rig rig;
  REQUIRE(rig.sockets.open(rig.snapshot->spec, 1).empty());
  {
    Worker::Setup setup = rig.setup();
    setup.listeners = rig.sockets.take(0, *rig.snapshot);
    Worker worker(std::move(setup));
    rig.watcher.wait([&] { return worker.serving(); });
    const std::string answer = ask(rig.sockets.bound()[0].address.port);
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(answer.ends_with("\r\n\r\nhello"));
    worker.refuse_newcomers();
    worker.drain();
    worker.drain();  // asked once is enough
    rig.watcher.wait([&] { return worker.ended(); });
    CHECK(worker.failure().empty());
    CHECK(worker.counters().accepted == 1);
    CHECK(worker.counters().requests == 1);
    worker.stop();  // too late to mean anything
  }
  rig.log.flush();
  CHECK(rig.lines.find("\"GET / HTTP/1.1\" 200 5") != std::string::npos);
}

TEST_CASE("a worker that accepts for all deals connections out in turn") {
  Rig rig;
  REQUIRE(rig.sockets.open(rig.snapshot->spec, 1).empty());
  proxy::SharedCounters shared;
  Distributor distributor;
  const auto setup_of = [&](std::uint32_t number) {
    Worker::Setup setup = rig.setup();
    setup.number = number;
    setup.shared = &shared;
    setup.takes_over = number != 0;
    setup.distributor = number == 0 ? &distributor : nullptr;
    setup.listeners = number == 0 ? rig.sockets.take(0, *rig.snapshot) : std::vector<proxy::AdoptedListener>{};
    return setup;
  };
  Worker second(setup_of(1));
  Worker third(setup_of(2));
  rig.watcher.wait([&] { return second.serving() && third.serving(); });
  distributor.add(second);
  distributor.add(third);
  Worker first(setup_of(0));
  const std::uint16_t port = rig.sockets.bound()[0].address.port;
  for (int i = 0; i < 9; ++i) CHECK(ask(port).ends_with("\r\n\r\nhello"));

  second.drain();  // what would be its turn is served by the one that accepts
  rig.watcher.wait([&] { return second.ended(); });
  for (int i = 0; i < 3; ++i) CHECK(ask(port).ends_with("\r\n\r\nhello"));

  for (Worker* worker : {&first, &third}) {
    worker->refuse_newcomers();
    worker->drain();
    rig.watcher.wait([&] { return worker->ended(); });
  }
  CHECK(first.counters().accepted == 3 + 2);
  CHECK(second.counters().accepted == 3);
  CHECK(third.counters().accepted == 3 + 1);
  CHECK(shared.connections.load() == 0);
  CHECK(rig.snapshot->listeners[0].state->connections.load() == 0);
}

TEST_CASE("a worker that others accept for ends when it is told to, without a listener") {
  for (const bool gently : {true, false}) {
    Rig rig;
    Worker::Setup setup = rig.setup();
    setup.takes_over = true;
    Worker worker(std::move(setup));
    CHECK_FALSE(worker.ended());
    rig.watcher.wait([&] { return worker.serving(); });
    if (gently) {
      worker.drain();
    } else {
      worker.stop();
    }
    rig.watcher.wait([&] { return worker.ended(); });
    CHECK(worker.failure().empty());
    CHECK_FALSE(worker.take({}));
  }
}

TEST_CASE("a worker that is told to stop before it began to serve still ends") {
  for (int round = 0; round < 20; ++round) {
    Rig rig;
    REQUIRE(rig.sockets.open(rig.snapshot->spec, 1).empty());
    Worker::Setup setup = rig.setup();
    setup.listeners = rig.sockets.take(0, *rig.snapshot);
    Worker worker(std::move(setup));
    if (round % 2 == 0) worker.drain();
    worker.stop();
    rig.watcher.wait([&] { return worker.ended(); });
    CHECK(worker.failure().empty());
  }
}

TEST_CASE("a worker whose listener cannot be taken over says so and ends by itself") {
  Rig rig;
  const auto [socket, other] = test::socket_pair();
  Worker::Setup setup = rig.setup();
  setup.listeners = {{0, socket}};
  test::close_socket(socket);  // now the descriptor is closed
  test::close_socket(other);
  Worker worker(std::move(setup));
  rig.watcher.wait([&] { return worker.ended(); });
  INFO(worker.failure());
  CHECK(worker.failure().find("could not be taken over") != std::string::npos);
}
