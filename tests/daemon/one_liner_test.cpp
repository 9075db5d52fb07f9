#include "daemon/one_liner.hpp"

#include "tests/support/catch.hpp"

using namespace weir;
using namespace weir::daemon;

namespace {

ProxyCommand command(std::string listen, std::vector<std::string> targets) {
  ProxyCommand result;
  result.listen = std::move(listen);
  result.targets = std::move(targets);
  return result;
}

}  // namespace

TEST_CASE("LISTEN is written in any of the usual ways") {
  struct Row {
    const char* given;
    const char* means;
  };
  const Row rows[] = {
      {":8080", "0.0.0.0:8080 [::]:8080"},
      {"8080", "127.0.0.1:8080 [::1]:8080"},
      {"127.0.0.1:8080", "127.0.0.1:8080"},
      {"0.0.0.0:8080", "0.0.0.0:8080"},
      {"localhost:80", "127.0.0.1:80 [::1]:80"},
      {"[::1]:8080", "[::1]:8080"},
      {"unix:/tmp/a.sock", "unix:/tmp/a.sock"},
      {":0", "0.0.0.0:0 [::]:0"},
  };
  for (const Row& row : rows) {
    INFO(row.given);
    const auto spec = spec_of(command(row.given, {"3000"}));
    REQUIRE(spec);
    REQUIRE((*spec)->listeners.size() == 1);
    const proxy::ListenerSpec& listener = (*spec)->listeners[0];
    REQUIRE(listener.second_family.size() == listener.bind.size());
    std::string bound;
    for (std::size_t i = 0; i < listener.bind.size(); ++i) {
      CHECK(listener.second_family[i] == (i == 1));
      bound += (i == 0 ? "" : " ") + to_string(listener.bind[i]);
    }
    CHECK(bound == row.means);
    CHECK((*spec)->listeners[0].upstream == "target");
  }
}

TEST_CASE("TARGET is written in any of the usual ways") {
  struct Row {
    const char* given;
    const char* text;
    std::size_t addresses;
  };
  const Row rows[] = {
      {"3000", "localhost:3000", 2},
      {":3000", "localhost:3000", 2},
      {"127.0.0.1:3000", "127.0.0.1:3000", 1},
      {"http://127.0.0.1:3000", "127.0.0.1:3000", 1},
      {"http://127.0.0.1:3000/", "127.0.0.1:3000", 1},
      {"http://10.0.0.1", "10.0.0.1:80", 1},
      {"[::1]:3000", "[::1]:3000", 1},
      {"unix:/tmp/app.sock", "unix:/tmp/app.sock", 1},
      {"localhost:3000", "localhost:3000", 2},
      {"http://app.internal", "app.internal:80", 0},
  };
  for (const Row& row : rows) {
    INFO(row.given);
    const auto spec = spec_of(command(":0", {row.given}));
    REQUIRE(spec);
    const proxy::EndpointSpec& endpoint = (*spec)->upstreams.at(0).endpoints.at(0);
    CHECK(endpoint.text == row.text);
    CHECK(endpoint.addresses.size() == row.addresses);
  }
}

TEST_CASE("several targets are endpoints of equal weight, in order") {
  const auto spec = spec_of(command(":0", {"3000", "3001", "3002"}));
  REQUIRE(spec);
  const auto& endpoints = (*spec)->upstreams.at(0).endpoints;
  REQUIRE(endpoints.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(endpoints[i].weight == 1);
    CHECK(to_string(endpoints[i].addresses.at(0)) == "127.0.0.1:300" + std::to_string(i));
    CHECK(to_string(endpoints[i].addresses.at(1)) == "[::1]:300" + std::to_string(i));
  }
}

TEST_CASE("--host rewrites the Host field on a catch-all route") {
  ProxyCommand with_host = command(":0", {"3000"});
  with_host.host = "app.test";
  const auto spec = spec_of(with_host);
  REQUIRE(spec);
  REQUIRE((*spec)->routes.size() == 1);
  CHECK((*spec)->routes[0].rewrite.host == "app.test");
  CHECK((*spec)->routes[0].upstream == "target");
  CHECK((*spec)->routes[0].path == "/");
}

TEST_CASE("--host takes a host with or without a port, and nothing that could be another line") {
  ProxyCommand given = command(":0", {"3000"});
  for (const char* good : {"app.example", "app.example:8080", "127.0.0.1", "[::1]:80"}) {
    given.host = good;
    CHECK(spec_of(given));
  }
  for (const char* bad : {"a b", "http://a", "a:99999", "a\r\nX-Evil: 1", "${host}", ":80", "a/b"}) {
    given.host = bad;
    INFO(bad);
    const auto spec = spec_of(given);
    REQUIRE_FALSE(spec);
    CHECK(spec.error().find("is not a host: write name or name:port") != std::string::npos);
  }
}

TEST_CASE("the access log follows --access-log") {
  ProxyCommand chosen = command(":0", {"3000"});
  CHECK((*spec_of(chosen))->access_log.enabled);
  CHECK((*spec_of(chosen))->access_log.format == proxy::LogFormat::terminal);
  chosen.access_log = AccessLogChoice::combined;
  CHECK((*spec_of(chosen))->access_log.format == proxy::LogFormat::combined);
  chosen.access_log = AccessLogChoice::json;
  CHECK((*spec_of(chosen))->access_log.format == proxy::LogFormat::json);
  chosen.access_log = AccessLogChoice::off;
  CHECK_FALSE((*spec_of(chosen))->access_log.enabled);
}

TEST_CASE("an argument that is no address is refused with an example") {
  struct Row {
    const char* listen;
    const char* target;
    const char* says;
  };
  const Row rows[] = {
      {"nonsense", "3000", "LISTEN 'nonsense'"},
      {"https://x", "3000", "is a URL"},
      {":99999", "3000", "LISTEN ':99999'"},
      {":0", "nonsense", "TARGET 'nonsense'"},
      {":0", "localhost", "TARGET 'localhost'"},
      {":0", "0", "TARGET '0'"},
      {":0", "localhost:0", "TARGET 'localhost:0'"},
      {":0", "127.0.0.1:0", "TARGET '127.0.0.1:0'"},
      {":0", "99999", "TARGET '99999'"},
      {":0", "http://10.0.0.1/app", "has a path"},
      {":0", "https://10.0.0.1", "plain HTTP"},
      {":0", "a b:80", "TARGET 'a b:80'"},
      {":0", "", "TARGET ''"},
  };
  for (const Row& row : rows) {
    INFO(row.listen << " " << row.target);
    const auto spec = spec_of(command(row.listen, {row.target}));
    REQUIRE_FALSE(spec);
    CHECK(spec.error().find(row.says) != std::string::npos);
  }
}

TEST_CASE("a host name and its port are told apart") {
  struct Row {
    const char* text;
    bool ok;
    const char* host;
    std::uint16_t port;
  };
  const Row rows[] = {
      {"localhost:3000", true, "localhost", 3000},
      {"[::1]:80", true, "::1", 80},
      {"a_b-c.d:1", true, "a_b-c.d", 1},
      {"localhost", false, "", 0},
      {":80", false, "", 0},
      {"::1:80", false, "", 0},
      {"a:", false, "", 0},
      {"a:x", false, "", 0},
      {"a:70000", false, "", 0},
      {"a/b:80", false, "", 0},
      {"", false, "", 0},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    std::string host;
    std::uint16_t port = 0;
    CHECK(split_host_port(row.text, host, port) == row.ok);
    CHECK(host == row.host);
    CHECK(port == row.port);
  }
}

TEST_CASE("forwarding follows the options, and trusts the blocks that are named") {
  ProxyCommand plain = command(":0", {"3000"});
  CHECK((*spec_of(plain))->forwarding.x_forwarded);
  CHECK_FALSE((*spec_of(plain))->forwarding.via);
  proxy::Forwarding& wanted = plain.forwarding;
  wanted.x_forwarded = wanted.forwarded = wanted.request_id = false;
  wanted.via = true;
  plain.trusted_proxies = {"10.0.0.0/8", "::1"};
  const auto spec = spec_of(plain);
  REQUIRE(spec);
  const proxy::Forwarding& forwarding = (*spec)->forwarding;
  CHECK_FALSE(forwarding.x_forwarded);
  CHECK_FALSE(forwarding.forwarded);
  CHECK_FALSE(forwarding.request_id);
  CHECK(forwarding.via);
  CHECK(forwarding.trusted_proxies.size() == 2);
  plain.trusted_proxies = {"10.0.0.1/8"};
  CHECK(spec_of(plain).error().find("write 10.0.0.0/8") != std::string::npos);
}

TEST_CASE("a stop takes a second at most") {
  const auto spec = spec_of(command(":0", {"3000"}));
  REQUIRE(spec);
  CHECK((*spec)->runtime.shutdown.timeout <= std::chrono::seconds(1));
  CHECK((*spec)->runtime.shutdown.tunnels <= std::chrono::seconds(1));
}
