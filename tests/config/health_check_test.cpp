// The section health_check of an upstream: what it means, and every mistake at its place.
#include "config/keys.hpp"
#include "config/platform_check.hpp"
#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

using Kind = proxy::HealthCheckSpec::Kind;

// The check is line 3 of the file and begins in column 19.
std::string with_check(std::string_view check) {
  return "listeners: { web: { bind: \":8080\", upstream: app } }\nupstreams: { app: { endpoints: \"127.0.0.1:3000\",\n"
         "  health_check: " +
         std::string(check) + " } }\n";
}

proxy::HealthCheckSpec check_of(std::string_view check) {
  const auto spec = good(with_check(check));
  REQUIRE(spec->upstreams[0].health_check);
  return *spec->upstreams[0].health_check;
}

void refused(std::string_view check, int column, std::string_view path, std::string_view message, std::string_view hint,
             Severity severity = Severity::error) {
  const Diagnostic found = only(with_check(check));
  INFO(render(found));
  CHECK(found.severity == severity);
  CHECK(found.line == 3);
  CHECK(found.column == column);
  CHECK(found.key_path == "upstreams.app.health_check" + std::string(path));
  CHECK(contains(found.message, message));
  CHECK(contains(found.hint, hint));
}

}  // namespace

TEST_CASE("A health check is tcp, http or a script, with the documented defaults") {
  const auto tcp = check_of("{ tcp: true }");
  CHECK(tcp.kind == Kind::tcp);
  CHECK(tcp.interval == std::chrono::seconds(5));
  CHECK(tcp.timeout == std::chrono::seconds(2));
  CHECK(tcp.rise == 2);
  CHECK(tcp.fall == 3);
  CHECK(find_key(keys::health_check, "interval")->fallback == "5s");
  CHECK(find_key(keys::health_check, "timeout")->fallback == "2s");
  CHECK(find_key(keys::health_check, "rise")->fallback == "2");
  CHECK(find_key(keys::health_check, "fall")->fallback == "3");
  CHECK(std::to_string(proxy::Runtime{}.max_scripts) == find_key(keys::runtime, "max_scripts")->fallback);

  const auto http = check_of("{ http: \"/healthz?deep=1\", interval: 500ms, rise: 1, fall: 10 }");
  CHECK(http.kind == Kind::http);
  CHECK(http.path == "/healthz?deep=1");
  CHECK(http.interval == std::chrono::milliseconds(500));
  CHECK(http.timeout == std::chrono::milliseconds(500));  // its own default would be longer than the interval
  CHECK((http.rise == 1 && http.fall == 10));

  const auto script = check_of("{ script: [/etc/weir/checks/lag, --max, 5s], interval: 10s, timeout: 3s }");
  CHECK(script.kind == Kind::script);
  CHECK((script.script == std::vector<std::string>{"/etc/weir/checks/lag", "--max", "5s"}));
  CHECK(script.timeout == std::chrono::seconds(3));
  CHECK(check_of("{ script: pg_isready }").script == std::vector<std::string>{"pg_isready"});
  CHECK_FALSE(good(with_routes("  - { path: /, upstream: app }\n"))->upstreams[0].health_check);
}

TEST_CASE("A relative script starts from the directory of the file that writes it") {
  const Directory directory;
  directory.write("conf.d/app.yaml",
                  "upstreams: { app: { endpoints: \"127.0.0.1:3000\", health_check: { script: [checks/app] } } }\n");
  const auto file = directory.write("weir.yaml", "listeners: { web: { bind: \":8080\", upstream: app } }\ninclude: conf.d/*.yaml\n");
  const LoadResult result = load_file(file);
  INFO(all_messages(result));
  REQUIRE(result);
  CHECK(result.spec->upstreams[0].health_check->script ==
        std::vector<std::string>{(directory.path() / "conf.d" / "checks" / "app").string()});
}

TEST_CASE("A health check says what is checked, and only one thing") {
  refused("{ interval: 5s }", 17, "", "does not say what to check", "add one of tcp: true, http: /healthz");
  refused("{}", 17, "", "does not say what to check", "add one of");
  refused("~", 17, "", "does not say what to check", "add one of");
  refused("{ tcp: true, http: / }", 36, ".http", "this one has tcp and http", "keep one");
  refused("{ http: /, script: [a] }", 36, ".script", "this one has http and script", "keep one");
  refused("{ tcp: false }", 24, ".tcp", "tcp: false checks nothing", "remove health_check, or write tcp: true");
  refused("{ htpp: /, tcp: true }", 19, ".htpp", "unknown key", "did you mean \"http\"?");
  refused("tcp", 17, "", "expected a map of health_check keys", "");
}

TEST_CASE("The parts of a health check are looked at") {
  refused("{ http: healthz }", 25, ".http", "not a valid path", "write /healthz");
  refused("{ http: \"http://app/healthz\" }", 25, ".http", "not a valid path", "write only the path: /healthz");
  refused("{ http: \"/a b\" }", 25, ".http", "not a valid path", "visible ASCII characters");
  refused("{ script: [] }", 27, ".script", "the script is empty", "write the program and its arguments");
  refused("{ script: [\"\", x] }", 27, ".script", "the script is empty", "");
  refused("{ script: [a, \"b\\0c\"] }", 31, ".script[1]", "zero byte", "");
  refused("{ script: \"check --all\" }", 27, ".script", "the name of one program", "elements of a list", Severity::warning);
  refused("{ tcp: true, interval: 0s }", 40, ".interval", "cannot be 0", "");
  refused("{ tcp: true, interval: 1ms }", 40, ".interval", "too short", "at least 10ms");
  refused("{ tcp: true, interval: 5 }", 40, ".interval", "needs a unit", "");
  refused("{ tcp: true, timeout: 0s }", 39, ".timeout", "cannot be 0", "");
  refused("{ tcp: true, timeout: 10s }", 39, ".timeout", "longer than the interval 5s (the default)", "interval: 10s");
  refused("{ tcp: true, interval: 3s, timeout: 4s }", 53, ".timeout", "longer than the interval 3s", "interval: 4s");
  refused("{ tcp: true, rise: 0 }", 36, ".rise", "out of range", "from 1 to 1000");
  refused("{ tcp: true, fall: 0 }", 36, ".fall", "out of range", "from 1 to 1000");
}

TEST_CASE("A script is refused by the table where there are no child processes, and nowhere else") {
  const LoadResult script = load(with_check("{ script: [/etc/weir/checks/lag] }"));
  REQUIRE(script);
  const auto judged = [&](const LoadResult& loaded, const char* target) {
    return judge(*loaded.spec, loaded.demands, *parse_target(target));
  };
  const auto found = judged(script, "windows/select");
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].rule == "windows-select-no-subprocess");
  CHECK((found[0].line == 3 && found[0].column == 27));
  CHECK(found[0].key_path == "upstreams.app.health_check.script");
  CHECK(contains(found[0].message, "/etc/weir/checks/lag"));
  for (const char* target : {"windows/iocp", "linux/select", "macos", "freebsd"}) CHECK(judged(script, target).empty());
  const LoadResult tcp = load(with_check("{ tcp: true }"));
  CHECK(judged(tcp, "windows/select").empty());
}

TEST_CASE("Checks count among the sockets and descriptors that a platform has") {
  std::string endpoints;
  for (int i = 1; i <= 600; ++i) endpoints += "\"127.0.0.1:" + std::to_string(i) + "\", ";
  const auto text = [&](const char* check) {
    return "runtime: { workers: 1, max_scripts: 1000 }\nlisteners: { web: { bind: \"0.0.0.0:8080\", upstream: app } }\n"
           "upstreams: { app: { endpoints: [" + endpoints + "], health_check: " + check + " } }\n";
  };
  const auto judged = [&](const char* check, const char* target) {
    const LoadResult loaded = load(text(check));
    REQUIRE(loaded);
    return judge(*loaded.spec, loaded.demands, *parse_target(target));
  };
  const auto sockets = judged("{ tcp: true }", "windows/select");
  REQUIRE(sockets.size() == 1);
  CHECK(contains(sockets[0].message, "the listeners and health checks need 601 sockets, and there are 512"));
  const auto scripts = judged("{ script: true_or_not }", "linux/select");  // a process and a pipe each
  REQUIRE(scripts.size() == 1);
  CHECK(contains(scripts[0].hint, "1200 for health checks"));
}
