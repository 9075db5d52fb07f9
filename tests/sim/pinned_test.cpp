// Logins that belong to a connection (NTLM, Negotiate): the upstream connection on which one happened serves its client
// and nobody else, and ends with it. And what the other fields say about how long a connection may be used.

#include "tests/sim/scripted.hpp"

namespace weir::sim {
namespace {

std::string plain(const TextHead&, int number) { return answer("200 OK", number); }

// Asks whoever sends no credentials for them.
std::string demanding(const TextHead& head, int number) {
  if (head.count("authorization") > 0) return answer("200 OK", number);
  return answer("401 Unauthorized", number, "WWW-Authenticate: Basic realm=\"a\"\r\nWWW-Authenticate: Digest, NTLM\r\n");
}

constexpr std::string_view login = "Authorization: NTLM TlRM\r\n";

TEST_CASE("Without a login clients share an upstream connection") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain);
    Asking one(world.sim, 1), other(world.sim, 2);
    CHECK(one.ask() == 1);
    CHECK(other.ask() == 1);
    CHECK(one.ask("GET", "Authorization: Basic eDp5\r\n") == 1);
    CHECK(other.ask() == 1);
  });
}

TEST_CASE("A connection on which a client has logged in serves that client and no other") {
  for (const std::string_view credentials : {login, std::string_view("Authorization: Negotiate YII=\r\n"),
                                             std::string_view("Authorization: Basic eDp5\r\nauthorization: negotiate x\r\n")}) {
    on_both_styles([&](Style style) {
      ScriptedWorld world(style, plain);
      Asking one(world.sim, 1), other(world.sim, 2);
      CHECK(one.ask("GET", credentials) == 1);
      CHECK(world.sim.server().idle_upstreams() == 0);
      CHECK(other.ask() == 2);
      CHECK(one.ask() == 1);  // also without credentials: the connection is what has logged in
      CHECK(other.ask() == 2);
      CHECK(one.ask("POST") == 1);
      one.leave();
      CHECK(world.origin->open() == 1);
      CHECK(other.ask() == 2);
      Asking third(world.sim, 3);
      CHECK(third.ask() == 2);
    });
  }
}

TEST_CASE("The answer that offers such a login binds the connection already, and both steps meet on it") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, demanding);
    Asking one(world.sim, 1), other(world.sim, 2);
    CHECK(one.ask() == 1);
    CHECK(one.last_status == "401");
    CHECK(other.ask() == 2);
    CHECK(one.ask("GET", login) == 1);
    CHECK(one.last_status == "200");
    CHECK(other.ask("GET", login) == 2);
  });
}

TEST_CASE("Two clients that take turns keep to their own connections among several endpoints") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, demanding);
    std::deque<Asking> clients;
    for (int i = 0; i < 5; ++i) {
      clients.emplace_back(world.sim, static_cast<std::uint64_t>(i) + 1);
      CHECK(clients.back().ask() == i + 1);
    }
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 5; ++i) CHECK(clients[static_cast<std::size_t>(i)].ask("GET", login) == i + 1);
    }
  });
}

TEST_CASE("When its server closes a bound connection the client goes on with a fresh one") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain);
    Asking one(world.sim, 1);
    CHECK(one.ask("GET", login) == 1);
    world.origin->drop_connections();
    world.sim.world.run_for(1s);
    CHECK(world.origin->open() == 0);
    CHECK(one.ask("POST") == 2);
    CHECK(one.last_status == "200");
    CHECK(one.ask("GET", login) == 2);
  });
}

TEST_CASE("A bound connection that rests for the idle timeout is closed") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain, [](proxy::Spec& spec) { spec.upstreams[0].idle_timeout = 10s; });
    Asking one(world.sim, 1);
    CHECK(one.ask("GET", login) == 1);
    world.sim.world.run_for(9s);
    CHECK(world.origin->open() == 1);
    CHECK(one.ask() == 1);
    world.sim.world.run_for(11s);
    CHECK(world.origin->open() == 0);
    CHECK(one.ask() == 2);
  });
}

TEST_CASE("A client's bound connection ends with the client in a drain, too") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain);
    Asking one(world.sim, 1);
    CHECK(one.ask("GET", login) == 1);
    world.sim.drain_at(world.sim.world.now());
    CHECK(world.sim.world.run_until([&] { return world.sim.server_ended(); }, 1h));
    world.sim.world.run_for(1s);
    CHECK(world.origin->open() == 0);
  });
}

TEST_CASE("A server's Keep-Alive says for how long its connection is kept") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, [](const TextHead&, int number) {
      return answer("200 OK", number, number == 1 ? "Keep-Alive: max=9\r\nKeep-Alive: timeout=x, timeout=5\r\n"
                                                  : "Keep-Alive: timeout=0\r\n");
    });
    Asking one(world.sim, 1);
    CHECK(one.ask() == 1);
    world.sim.world.run_for(3s);
    CHECK(one.ask() == 1);
    world.sim.world.run_for(4100ms);
    CHECK(world.origin->open() == 0);
    CHECK(one.ask() == 2);
    CHECK(world.sim.server().idle_upstreams() == 0);
    CHECK(one.ask() == 3);
  });
}

TEST_CASE("A request that cannot be sent again avoids a connection that has been idle for long") {
  on_both_styles([](Style style) {
    ScriptedWorld world(style, plain);
    Asking one(world.sim, 1);
    CHECK(one.ask() == 1);
    world.sim.world.run_for(500ms);
    CHECK(one.ask("POST") == 1);
    world.sim.world.run_for(2s);
    CHECK(one.ask("POST") == 2);
    world.sim.world.run_for(2s);
    CHECK(one.ask() == 2);
  });
}

TEST_CASE("An interim answer that ends the connection ends it, whatever the final one says") {
  on_both_styles([](Style style) {
    for (const char* interim : {"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n",
                                "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n"}) {
      ScriptedWorld world(style, [&](const TextHead& head, int number) {
        return (head.count("x-early") > 0 ? interim : "") + answer("200 OK", number);
      });
      Asking one(world.sim, 1), other(world.sim, 2);
      CHECK(other.ask() == 1);
      one.ask("GET", "X-Early: 1\r\n");
      CHECK(world.sim.server().idle_upstreams() == 0);
      CHECK(other.ask() == 2);
    }
  });
}

}  // namespace
}  // namespace weir::sim
