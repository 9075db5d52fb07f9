// The section `platform`: what is merged for a system, and what is refused in it.
#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

LoadResult load_for(Os os, std::string_view text) { return load_text(text, "weir.yaml", os); }

const std::string mixed = R"(
listeners:
  web: { bind: "unix:/run/weir.sock", upstream: app, max_connections: 7 }
  extra: { bind: ":9000", upstream: app }
upstreams: { app: ["10.0.0.1:80", "10.0.0.2:80"] }
timeouts: { idle: 5s }
platform:
  windows:
    listeners: { web: { bind: "127.0.0.1:8080" }, extra: ~ }
    upstreams: { app: ["10.0.0.3:80"] }
    runtime: { workers: 3 }
)";

}  // namespace

TEST_CASE("overrides merge maps, replace texts and lists, and remove keys, for their system alone") {
  const LoadResult windows = load_for(Os::windows, mixed);
  INFO(all_messages(windows));
  REQUIRE(windows);
  REQUIRE(windows.spec->listeners.size() == 1);
  CHECK(windows.spec->listeners[0].bind_texts == std::vector<std::string>{"127.0.0.1:8080"});
  CHECK(windows.spec->listeners[0].upstream == "app");
  CHECK(windows.spec->listeners[0].max_connections == 7);
  REQUIRE(windows.spec->upstreams[0].endpoints.size() == 1);
  CHECK(windows.spec->upstreams[0].endpoints[0].text == "10.0.0.3:80");
  CHECK(windows.spec->runtime.workers == 3);
  CHECK(windows.spec->timeouts.idle == std::chrono::seconds{5});
  for (const std::optional<Os> other : {std::optional<Os>{}, std::optional{Os::linux_os}}) {
    const LoadResult plain = load_text(mixed, "weir.yaml", other);
    REQUIRE(plain);
    CHECK(plain.spec->listeners.size() == 2);
    CHECK(plain.spec->listeners[0].bind_texts[0] == "unix:/run/weir.sock");
    CHECK(plain.spec->runtime.workers == 0);
    CHECK(plain.systems == std::vector{Os::windows});
  }
}

TEST_CASE("what is wrong inside an override is reported where it stands, when that system is looked at") {
  const std::string text =
      "listeners: { web: { bind: \":80\", upstream: app } }\nupstreams: { app: [\"10.0.0.1:80\"] }\n"
      "platform:\n  windows: { listeners: { web: { bnid: \":81\" } } }\n";
  CHECK(load_for(Os::linux_os, text));
  const LoadResult windows = load_for(Os::windows, text);
  REQUIRE(windows.diagnostics.size() == 1);
  CHECK(windows.diagnostics[0].line == 4);
  CHECK(contains(windows.diagnostics[0].hint, "did you mean \"bind\""));
}

TEST_CASE("the section names systems, and holds no keys about files") {
  const auto with = [](std::string_view section) {
    return "listeners: { web: \":80\" }\nroutes: [{ respond: 204 }]\nplatform: " + std::string(section) + "\n";
  };
  Diagnostic found = only(with("{ windwos: { runtime: { workers: 2 } } }"));
  CHECK(found.message == "there is no platform \"windwos\"");
  CHECK(contains(found.hint, "did you mean \"windows\""));
  CHECK(found.line == 3);
  CHECK(contains(only(with("{ linux: { include: x.yaml } }")).message, "\"include\" cannot depend on the platform"));
  CHECK(contains(only(with("{ linux: { platform: { macos: {} } } }")).message, "\"platform\" cannot depend"));
  CHECK(contains(only(with("windows")).message, "a map of systems"));
  CHECK(contains(only(with("{ linux: 3 }")).message, "a map of the same keys"));
  CHECK(load(with("{ linux: ~ }")));
  CHECK(load(with("")));
}
