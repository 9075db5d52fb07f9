// Judging a configuration for platforms: keywords, arithmetic, the words of a target.
#include "config/platform_check.hpp"

#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

std::vector<Diagnostic> judged(std::string_view target_text, std::string_view text, std::uint64_t descriptors = 0,
                               bool given = false) {
  auto target = parse_target(target_text);
  REQUIRE(target);
  target->descriptors = descriptors;
  target->descriptors_given = given;
  const LoadResult result = load_text(text, "weir.yaml", target->platform.os);
  INFO(all_messages(result));
  REQUIRE(result);
  return judge(*result.spec, result.demands, *target);
}

std::string rules(const std::vector<Diagnostic>& findings) {
  std::string out;
  for (const Diagnostic& it : findings) {
    CHECK(rule_named(it.rule) != 0);
    CHECK(it.line > 0);
    CHECK(it.column > 0);
    CHECK(!it.message.empty());
    CHECK(!it.hint.empty());
    CHECK(!it.target.empty());
    out.append(out.empty() ? "" : " ").append(it.severity == Severity::error ? "" : "(").append(it.rule);
    if (it.severity == Severity::warning) out.append(")");
  }
  return out;
}

std::string one_listener(std::string_view options, std::string_view more = "") {
  return "listeners: { web: { bind: \"0.0.0.0:80\", upstream: app" + std::string(options) +
         " } }\nupstreams: { app: [\"10.0.0.1:80\"] }\n" + std::string(more);
}

}  // namespace

TEST_CASE("unix sockets are refused on Windows where they are written, and nowhere else") {
  const std::string text =
      "listeners:\n  web: { bind: [\":80\", \"unix:/run/weir.sock\"], upstream: app }\n"
      "upstreams:\n  app:\n    - \"unix:/run/app.sock\"\n    - { address: \"unix:/run/b.sock\" }\n";
  const auto found = judged("windows", text);
  REQUIRE(rules(found) == "windows-no-unix-sockets windows-no-unix-sockets windows-no-unix-sockets");
  std::vector<std::string> places;
  for (const Diagnostic& it : found) places.push_back(it.key_path);
  CHECK(places == std::vector<std::string>{"upstreams.app[0]", "upstreams.app[1].address", "listeners.web.bind[1]"});
  const std::string shown = render(found[2]);
  CHECK(contains(
      shown,
      "weir.yaml:2:24: error: windows/iocp: \"unix:/run/weir.sock\" is a unix socket [windows-no-unix-sockets]\n"));
  CHECK(contains(shown, "     2 |   web: {"));
  CHECK(contains(shown, "use a TCP address on loopback"));
  CHECK(contains(shown, "platform: { windows: { listeners: { web: { bind: ... } } } }\n"));
  for (const char* target : {"linux", "linux/select", "macos", "macos-10.8", "freebsd", "openbsd", "netbsd/poll"}) {
    CHECK(judged(target, text).empty());
  }
}

TEST_CASE("a control socket is judged like a listener") {
  const std::string unix_socket = one_listener("", "runtime: { control: \"unix:/run/a.sock\" }\n");
  CHECK(rules(judged("linux", unix_socket)).empty());
  CHECK(rules(judged("windows", unix_socket)) == "windows-no-unix-sockets");
  const std::string pipe = one_listener("", "runtime: { control: '\\\\.\\pipe\\a' }\n");
  CHECK(rules(judged("linux", pipe)) == "named-pipes-windows-only");
  CHECK(rules(judged("windows", pipe)).empty());
  CHECK(rules(judged("windows/select", one_listener("", "runtime: { control: auto }\n"))).empty());
}

TEST_CASE("named pipes are refused where they are written, everywhere but on Windows' iocp") {
  const std::string text =
      "listeners:\n  web: { bind: '\\\\.\\pipe\\web', upstream: app }\n"
      "upstreams:\n  app: ['\\\\.\\pipe\\app']\n";
  CHECK(judged("windows", text).empty());
  CHECK(judged("windows/iocp", text).empty());
  const auto found = judged("linux", text);
  REQUIRE(rules(found) == "named-pipes-windows-only named-pipes-windows-only");
  const std::string shown = render(found[1]);
  CHECK(contains(shown,
                 R"(weir.yaml:2:16: error: linux/epoll: "\\.\pipe\web" is a named pipe [named-pipes-windows-only])"));
  CHECK(contains(shown, "use a unix socket or a TCP address"));
  CHECK(contains(shown, "platform: { linux: { listeners: { web: { bind: ... } } } }\n"));
  CHECK(rules(judged("windows/select", text)) == "windows-select-no-pipes windows-select-no-pipes");
  for (const char* target : {"linux/io_uring", "macos", "macos-10.8/select", "freebsd", "openbsd", "netbsd/poll"}) {
    CHECK(judged(target, text).size() == 2);
  }
}

TEST_CASE("an override for the system takes the finding away") {
  const std::string text =
      "listeners: { web: { bind: \"unix:/run/weir.sock\", upstream: app } }\n"
      "upstreams: { app: [\"10.0.0.1:80\"] }\n"
      "platform: { windows: { listeners: { web: { bind: \"127.0.0.1:80\" } } } }\n";
  CHECK(judged("windows", text).empty());
  CHECK(judged("linux", text).empty());
}

TEST_CASE("a backend of another system is refused with those that exist there") {
  const auto with = [](std::string_view name) {
    return one_listener("", "runtime: { backend: " + std::string(name) + " }\n");
  };
  const struct {
    const char *target, *backend, *rule;
  } cases[] = {{"windows", "epoll", "epoll-linux-only"},
               {"macos", "io_uring", "io-uring-linux-only"},
               {"linux", "kqueue", "kqueue-bsd-only"},
               {"freebsd", "iocp", "iocp-windows-only"},
               {"windows", "poll", "windows-no-poll"},
               {"windows", "select", ""},
               {"linux", "io_uring", ""},
               {"windows/iocp", "epoll", ""},
               {"macos-10.8", "kqueue", ""},
               {"windows", "auto", ""}};
  for (const auto& it : cases) {
    CAPTURE(it.target, it.backend);
    const auto found = judged(it.target, with(it.backend));
    CHECK(rules(found) == it.rule);
    if (!found.empty()) CHECK(found[0].key_path == "runtime.backend");
  }
  CHECK(contains(judged("windows", with("epoll"))[0].hint, "there: auto, iocp, select"));
}

TEST_CASE("promised connections are counted against the 512 sockets of select on Windows") {
  // One socket listens, a client has two.
  CHECK(rules(judged("windows/select", one_listener(", max_connections: 255"))).empty());
  const auto found = judged("windows/select", one_listener(", max_connections: 256"));
  CHECK(rules(found) == "windows-select-512");
  CHECK(found[0].key_path == "listeners.web.max_connections");
  CHECK(contains(found[0].message, "256 client connections at a time may need 513 sockets, and there are 512"));
  CHECK(contains(found[0].hint, "1 to listen, 2 x 256 for clients and their upstream connections"));
  CHECK(rules(judged("windows", one_listener(", max_connections: 256"))).empty());
  CHECK(rules(judged("windows", one_listener(", max_connections: 256", "runtime: { backend: select }\n"))) ==
        "windows-select-512");
  // Without an upstream a client needs one.
  const std::string answers =
      "listeners: { web: { bind: \"0.0.0.0:80\", max_connections: 511 } }\nroutes: [{ respond: 204 }]\n";
  CHECK(rules(judged("windows/select", answers)).empty());
  // Every worker listens for itself.
  CHECK(rules(judged("windows/select", one_listener(", max_connections: 255", "runtime: { workers: 3 }\n"))) ==
        "windows-select-512");
}

TEST_CASE("descriptors are counted against FD_SETSIZE and against the limit of the process") {
  CHECK(rules(judged("linux/select", one_listener(", max_connections: 500"))).empty());
  CHECK(rules(judged("linux/select", one_listener(", max_connections: 510"))) == "posix-select-fd-setsize");
  CHECK(rules(judged("macos/select", one_listener(", max_connections: 20000"))) == "posix-select-fd-setsize");
  CHECK(rules(judged("macos", one_listener(", max_connections: 20000"))).empty());
  CHECK(rules(judged("linux", one_listener(", max_connections: 20000"), 1024)) == "(posix-descriptor-limit)");
  CHECK(rules(judged("linux", one_listener(", max_connections: 20000"), 1024, true)) == "posix-descriptor-limit");
  CHECK(rules(judged("linux", one_listener(", max_connections: 20000"), 65536, true)).empty());
  CHECK(rules(judged("windows", one_listener(", max_connections: 20000"), 1024, true)).empty());
  CHECK(rules(judged("linux/select", one_listener(", max_connections: 510"), 512, true)) ==
        "posix-select-fd-setsize posix-descriptor-limit");
}

TEST_CASE("listeners alone can be too many, and pools that were asked for are only made smaller") {
  std::string binds;
  for (int port = 1; port <= 513; ++port) binds += (port > 1 ? ", \":" : "\":") + std::to_string(port) + "\"";
  const auto found =
      judged("windows/select", "listeners: { web: { bind: [" + binds + "] } }\nroutes: [{ respond: 204 }]\n");
  CHECK(rules(found) == "windows-select-512");
  CHECK(found[0].key_path == "listeners.web.bind[0]");
  const std::string pool =
      "listeners: { web: { bind: \"0.0.0.0:80\", upstream: app } }\n"
      "upstreams: { app: { endpoints: [\"10.0.0.1:80\", \"10.0.0.2:80\"], max_idle: 256 } }\n";
  const auto pools = judged("windows/select", pool);
  CHECK(rules(pools) == "(windows-select-512)");
  CHECK(pools[0].key_path == "upstreams.app.max_idle");
  CHECK(rules(judged("windows", pool)).empty());
}

TEST_CASE("a wait below a step of the clock is a warning on Windows") {
  const std::string text = one_listener("", "timeouts: { idle: 5ms, connect: 16ms, total: 0s }\n");
  const auto found = judged("windows", text);
  CHECK(rules(found) == "(windows-clock-15ms)");
  CHECK(found[0].key_path == "timeouts.idle");
  CHECK(contains(found[0].message, "5ms is shorter than one clock step, 15.6 ms"));
  CHECK(judged("linux", text).empty());
  CHECK(judged("macos", text).empty());
}

TEST_CASE("the words of a target") {
  CHECK(parse_target("linux")->platform == Platform{Os::linux_os, 0, BackendKind::epoll});
  CHECK(parse_target("windows/select")->platform == Platform{Os::windows, 0, BackendKind::select});
  CHECK(parse_target("windows/select")->backend_given);
  CHECK(parse_target("macos-10.8")->platform == Platform{Os::macos, 1008, BackendKind::kqueue});
  CHECK(parse_target("macos-10.8/poll")->platform == Platform{Os::macos, 1008, BackendKind::poll});
  CHECK(parse_target("macos-15")->platform.version == 1500);
  CHECK_FALSE(parse_target("windows/auto")->backend_given);
  CHECK(contains(parse_target("windwos").error(), "did you mean \"windows\"?"));
  CHECK(contains(parse_target("").error(), "there are linux, macos"));
  CHECK(contains(parse_target("linux/epol").error(), "did you mean \"epoll\"?"));
  CHECK(
      contains(parse_target("windows/epoll").error(), "epoll exists on Linux only; on Windows there are iocp, select"));
  for (const char* wrong : {"linux-6", "macos-", "macos-x", "macos-10.", "macos-10.8.1", "macos-99999", "linux/"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_target(wrong));
  }
}

TEST_CASE("the same finding for several targets is said once") {
  const std::string text = one_listener("", "timeouts: { idle: 5ms }\n");
  std::vector<Diagnostic> all = judged("windows/iocp", text);
  for (Diagnostic& it : judged("windows/select", text)) all.push_back(std::move(it));
  const auto found = merged(std::move(all));
  REQUIRE(found.size() == 1);
  CHECK(found[0].target == "windows/iocp, windows/select");
}
