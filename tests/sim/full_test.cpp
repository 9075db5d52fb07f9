// A listener at its limit: clients that are idle make room for new ones, those in an exchange never do, and the events
// say what happens.

#include "tests/sim/scripted.hpp"

namespace weir::sim {
namespace {

std::string plain(const TextHead&, int number) { return answer("200 OK", number); }

// Requests with "X-Hang: 1" get no answer.
std::string hanging(const TextHead& head, int number) { return head.count("x-hang") > 0 ? "" : answer("200 OK", number); }

constexpr std::string_view hang = "X-Hang: 1\r\n";

void of_two(proxy::Spec& spec) {
  spec.listeners[0].max_connections = 2;
  spec.timeouts.first_byte = 10s;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_CASE("The client that has been idle longest makes room for a new one") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain, of_two);
    Asking one(world.sim, 1), two(world.sim, 2), three(world.sim, 3);
    CHECK(one.ask() > 0);
    CHECK(two.ask() > 0);
    world.sim.world.run_for(2s);
    CHECK(one.ask() > 0);  // two is the one now
    world.sim.world.run_for(2s);
    CHECK(three.ask() > 0);
    CHECK(world.sim.server().connections() == 2);
    CHECK(two.closed_by_proxy());
    CHECK(one.ask() > 0);
    const std::string& log = world.sim.log_text();
    INFO(log);
    CHECK(count(log, "idle clients are closed to make room: 2 connections of listener \"web\" are open") == 1);
    CHECK(count(log, "raise listeners.web.max_connections") == 1);
    CHECK(count(log, "accept paused") == 0);
  });
}

TEST_CASE("A client that has connected and said nothing is idle, too") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain, of_two);
    std::deque<Asking> silent;
    for (std::uint64_t i = 0; i < 2; ++i) silent.emplace_back(world.sim, i + 1).connect();
    world.sim.world.run_for(2s);
    Asking third(world.sim, 9);
    CHECK(third.ask() > 0);
    CHECK(silent[0].closed_by_proxy());
  });
}

TEST_CASE("Clients in an exchange are left alone: the new one waits, and is served as soon as one of them rests") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, hanging, of_two);
    Asking one(world.sim, 1), two(world.sim, 2), three(world.sim, 3);
    one.begin("GET", hang);
    two.begin("GET", hang);
    world.sim.world.run_for(2s);
    three.begin();
    world.sim.world.run_for(4s);
    CHECK_FALSE(one.done());
    CHECK_FALSE(two.done());
    CHECK_FALSE(three.done());
    const std::string& log = world.sim.log_text();
    INFO(log);
    CHECK(count(log, "accept paused, no client is idle: 2 connections of listener \"web\" are open") == 1);
    CHECK(count(log, "accept resumed") == 0);
    world.sim.world.run_for(6s);  // the exchanges end by their timeout
    CHECK(one.last_status == "504");
    CHECK(two.last_status == "504");
    CHECK(three.last_status == "200");
    CHECK(count(log, "accept resumed: listener \"web\"") == 1);
  });
}

TEST_CASE("Any number of clients that stay get their answer from a listener of two") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain, of_two);
    std::deque<Asking> clients;
    for (std::uint64_t i = 0; i < 30; ++i) clients.emplace_back(world.sim, i + 1).begin();
    CHECK(world.sim.world.run_until([&] { return clients.back().done(); }, 1min));
    world.sim.world.run_for(10s);
    for (const Asking& client : clients) CHECK(client.last_status == "200");
    const std::string& log = world.sim.log_text();
    INFO(log);
    CHECK(count(log, "\n") <= 8);
  });
}

}  // namespace
}  // namespace weir::sim
