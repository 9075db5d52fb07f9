// The simulator's own tests: that it is deterministic, that time is virtual, that links do what their plan says and
// that each platform's rules are in force. The contract of Backend is checked by tests/conformance, which runs on it
// too.

#include <array>
#include <string>

#include "core/reactor/awaitables.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_network.hpp"
#include "tests/sim/seeds.hpp"
#include "tests/support/catch.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

Address at_port(std::uint16_t port) {
  Address address;
  address.family = Family::ipv4;
  address.ip = {127, 0, 0, 1};
  address.port = port;
  return address;
}

struct Echo {
  std::string received, answer;
  Errc error = Errc::ok;
  TimePoint ended{};
};

Task<void> serve_once(Reactor& reactor, std::uint16_t port, Echo& log) {
  Backend& backend = reactor.backend();
  Handle listener, accepted;
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = at_port(port);
  log.error = backend.open(listener, spec).code;
  if (log.error != Errc::ok) co_return;
  backend.attach(listener);
  auto got = co_await Accept(reactor, listener, accepted, nullptr);
  if (got) {
    backend.attach(accepted);
    std::array<char, 64> memory{};
    for (;;) {
      auto bytes = co_await Recv(reactor, accepted, memory.data(), memory.size());
      if (!bytes || *bytes == 0) break;
      log.received.append(memory.data(), *bytes);
      std::size_t sent = 0;
      while (sent < *bytes) {
        IoSlice slice(memory.data() + sent, *bytes - sent);
        auto moved = co_await Send(reactor, accepted, &slice, 1);
        if (!moved) break;
        sent += *moved;
      }
    }
    backend.close(accepted);
  }
  backend.close(listener);
}

Task<void> ask_once(Reactor& reactor, std::uint16_t port, std::string text, Echo& log) {
  Backend& backend = reactor.backend();
  Handle handle;
  OpenSpec spec;
  spec.address = at_port(port);
  log.error = backend.open(handle, spec).code;
  if (log.error != Errc::ok) co_return;
  backend.attach(handle);
  const Address to = at_port(port);
  auto connected = co_await Connect(reactor, handle, to);
  if (!connected) {
    log.error = connected.error().code;
    backend.close(handle);
    co_return;
  }
  std::size_t sent = 0;
  while (sent < text.size()) {
    IoSlice slice(text.data() + sent, text.size() - sent);
    auto moved = co_await Send(reactor, handle, &slice, 1);
    if (!moved) break;
    sent += *moved;
  }
  backend.shutdown(handle, Direction::out);
  std::array<char, 64> memory{};
  for (;;) {
    auto bytes = co_await Recv(reactor, handle, memory.data(), memory.size());
    if (!bytes) log.error = bytes.error().code;
    if (!bytes || *bytes == 0) break;
    log.answer.append(memory.data(), *bytes);
  }
  backend.close(handle);
  log.ended = reactor.clock();
}

struct Run {
  Echo server, client;
  std::uint64_t trace = 0;
};

// A server and a client on two reactors of one world.
Run echo_run(std::uint64_t seed, const FaultPlan& plan, Style style, const std::string& text) {
  Run run;
  SimWorld world(seed);
  world.enable_chances();
  world.set_faults(plan);
  SimProfile profile;
  profile.style = style;
  {
    Reactor server(world.make_backend(profile));
    Reactor client(world.make_backend(profile));
    Scope scope;
    world.drive(server);
    world.drive(client);
    scope.spawn(serve_once(server, 80, run.server));
    scope.spawn(ask_once(client, 80, text, run.client));
    const bool ended = world.run_until([&] { return scope.live() == 0; }, 1h);
    REQUIRE(ended);
    world.release(client);
    world.release(server);
  }
  CHECK(world.open_handles() == 0);
  run.trace = world.trace_hash();
  return run;
}

Task<void> sleep_for(Reactor& reactor, Duration span, TimePoint& woke) {
  const TimePoint deadline = reactor.now() + span;
  co_await SleepUntil(reactor, deadline);
  woke = reactor.clock();
}

}  // namespace

TEST_CASE("bytes pass two simulated hosts unchanged whatever harmless faults the link has") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += static_cast<char>('a' + i % 26);
  for (std::uint64_t seed = 1; seed <= seeds(200); ++seed) {
    Rng rng(seed);
    FaultPlan plan = FaultPlan::harmless(rng);
    plan.window_min = plan.window_max = 4096;  // the client reads only when it has written everything
    const Run run = echo_run(seed, plan, seed % 2 == 0 ? Style::readiness : Style::completion, text);
    INFO("seed " << seed);
    REQUIRE(run.server.received == text);
    REQUIRE(run.client.answer == text);
  }
}

TEST_CASE("the same seed gives the same trace and another seed another one") {
  Rng rng(7);
  FaultPlan plan = FaultPlan::harmless(rng);
  plan.reset = 0.5;
  plan.fault_within = 40;
  for (const Style style : {Style::readiness, Style::completion}) {
    const Run first = echo_run(11, plan, style, "hello, deterministic world");
    const Run second = echo_run(11, plan, style, "hello, deterministic world");
    const Run other = echo_run(12, plan, style, "hello, deterministic world");
    CHECK(first.trace == second.trace);
    CHECK(first.trace != other.trace);
  }
}

TEST_CASE("sleeping an hour of virtual time moves the clock by an hour and not by less") {
  for (const SimProfile& profile : all_profiles()) {
    SimWorld world(1);
    Reactor reactor(world.make_backend(profile));
    const TimePoint before = reactor.clock();
    TimePoint woke;
    reactor.run(sleep_for(reactor, 1h, woke));
    INFO(profile.name);
    CHECK(woke - before >= 1h);
    CHECK(woke - before <= 1h + 40ms);
  }
}

TEST_CASE("connecting where nobody listens is refused and the time it takes is the link's") {
  SimWorld world(3);
  Reactor reactor(world.make_backend());
  Echo log;
  const TimePoint before = world.now();
  reactor.run(ask_once(reactor, 81, "x", log));
  CHECK(log.error == Errc::connection_refused);
  CHECK(world.now() - before >= 100us);
}

TEST_CASE("a descriptor limit refuses to open and a closed handle makes room") {
  SimWorld world(4);
  SimProfile profile;
  profile.max_descriptors = 2;
  auto backend = world.make_backend(profile);
  std::array<Handle, 3> handles;
  OpenSpec spec;
  spec.address = at_port(80);
  CHECK(!backend->open(handles[0], spec));
  CHECK(!backend->open(handles[1], spec));
  CHECK(backend->open(handles[2], spec).code == Errc::descriptor_limit);
  backend->close(handles[0]);
  CHECK(!backend->open(handles[2], spec));
  CHECK(backend->open_handles() == 2);
  backend->close(handles[1]);
  backend->close(handles[2]);
}

TEST_CASE("two listeners of one process on one address need reuse_port") {
  SimWorld world(5);
  auto backend = world.make_backend();
  Handle first, second;
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = at_port(80);
  CHECK(!backend->open(first, spec));
  CHECK(backend->open(second, spec).code == Errc::address_in_use);
  backend->close(first);
  spec.reuse_port = true;
  CHECK(!backend->open(first, spec));
  CHECK(!backend->open(second, spec));
  backend->close(first);
  backend->close(second);
}

TEST_CASE("a listener on port 0 gets a port and tells it") {
  SimWorld world(6);
  auto backend = world.make_backend();
  Handle listener;
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = at_port(0);
  CHECK(!backend->open(listener, spec));
  CHECK(backend->local_address(listener).port != 0);
  backend->close(listener);
}

TEST_CASE("each platform refuses what its rules say and names the rule") {
  for (const SimProfile& profile : all_profiles()) {
    INFO(profile.name);
    SimWorld world(1);
    auto backend = world.make_backend(profile);
    const Capabilities& can = backend->capabilities();

    Handle handle;
    OpenSpec spec;
    spec.address.family = Family::unix_path;
    spec.address.path = "/run/x";
    const Error unix_error = backend->open(handle, spec);
    CHECK(!unix_error == can[Feature::unix_sockets].allowed);
    CHECK(unix_error.rule == can[Feature::unix_sockets].rule);
    if (handle.is_open()) backend->close(handle);

    const NativeHandle file = backend->make_regular_file();
    spec = {};
    spec.what = OpenSpec::What::adopt;
    spec.native = file;
    const Error file_error = backend->open(handle, spec);
    CHECK(file_error.code == Errc::not_supported);
    CHECK(file_error.rule == can[Feature::regular_files].rule);
    backend->discard(file);

    const SimBackend::Pair tty = backend->make_char_device();
    spec.native = tty.first;
    CHECK(!backend->open(handle, spec));
    const Error tty_error = backend->attach(handle);
    CHECK(!tty_error == can[Feature::char_devices].allowed);
    CHECK(tty_error.rule == can[Feature::char_devices].rule);
    backend->close(handle);
    backend->discard(tty.second);

    const SimBackend::Pair pipe = backend->make_pipe();
    spec.native = pipe.first;
    CHECK(!backend->open(handle, spec));
    const Error pipe_error = backend->attach(handle);
    CHECK(!pipe_error == can[Feature::pipes].allowed);
    CHECK(pipe_error.rule == can[Feature::pipes].rule);
    backend->close(handle);
    backend->discard(pipe.second);
  }
}

TEST_CASE("a listener whose backlog is full makes clients wait and then times them out") {
  SimWorld world(8);
  Reactor server(world.make_backend());
  Reactor client(world.make_backend());
  Handle listener;
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = at_port(80);
  spec.backlog = 1;
  CHECK(!server.backend().open(listener, spec));
  Echo first, second;
  {
    Scope scope;
    world.drive(client);
    scope.spawn(ask_once(client, 80, "a", first));
    world.run_for(1s);
    scope.spawn(ask_once(client, 80, "b", second));
    world.run_for(20s);
    CHECK(scope.live() == 2);
    CHECK(world.run_until([&] { return scope.live() == 1; }, 1h));
    CHECK(second.error == Errc::timed_out);
    server.backend().close(listener);  // resets whom it never accepted
    CHECK(world.run_until([&] { return scope.live() == 0; }, 1h));
    CHECK(first.error == Errc::connection_reset);
    world.release(client);
  }
}

TEST_CASE("over many seeds every kind of harm happens and every harm is seen as an error or as lost bytes") {
  FaultPlan plan;
  plan.reset = 0.3;
  plan.refuse = 0.2;
  plan.unreachable = 0.2;
  plan.fault_within = 2000;
  std::string text(1000, 'x');
  int refused = 0, unreachable = 0, reset = 0, whole = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SimWorld world(seed);
    world.set_faults(plan);
    Reactor server(world.make_backend());
    Reactor client(world.make_backend());
    Run run;
    {
      Scope scope;
      world.drive(server);
      world.drive(client);
      scope.spawn(serve_once(server, 80, run.server));
      scope.spawn(ask_once(client, 80, text, run.client));
      world.run_until([&] { return scope.live() == 0; }, 10s);
      if (scope.live() > 0) {  // no client came: end the server with a connection that works
        world.set_faults(FaultPlan::none());
        Echo last;
        scope.spawn(ask_once(client, 80, "x", last));
        REQUIRE(world.run_until([&] { return scope.live() == 0; }, 1h));
      }
      world.release(server);
      world.release(client);
    }
    refused += run.client.error == Errc::connection_refused;
    unreachable += run.client.error == Errc::host_unreachable;
    reset += run.client.error == Errc::connection_reset;
    whole += run.client.answer == text;
    if (run.client.answer != text && run.client.error == Errc::ok) FAIL("seed " << seed << ": lost without a sign");
  }
  CHECK(refused > 0);
  CHECK(unreachable > 0);
  CHECK(reset > 0);
  CHECK(whole > 0);
}

}  // namespace weir::sim
