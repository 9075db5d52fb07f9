// Every mistake is found, at its place, with the remedy.
#include <algorithm>

#include "config/foreign_keys.hpp"
#include "config/keys.hpp"
#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

struct Case {
  const char* text;  // a whole file
  int line, column;
  const char* path;
  const char* message;  // a part of it
  const char* hint;     // a part of it
};

void check(const Case& expected, Severity severity = Severity::error) {
  const Diagnostic found = only(expected.text);
  INFO(render(found));
  CHECK(found.severity == severity);
  CHECK(found.line == expected.line);
  CHECK(found.column == expected.column);
  CHECK(found.key_path == expected.path);
  CHECK(contains(found.message, expected.message));
  CHECK(contains(found.hint, expected.hint));
}

// The same for one line of `routes`, which is line 4 of the file.
void check_route(const char* route, int column, const char* path, const char* message, const char* hint,
                 Severity severity = Severity::error) {
  const std::string text = with_routes(route);
  check({text.c_str(), 4, column, path, message, hint}, severity);
}

#define WEB "listeners: { web: \":8080\" }\nroutes: [{ respond: 204 }]\n"

}  // namespace

TEST_CASE("The whole message of an error shows place, path, line, caret and remedy") {
  const Diagnostic found = only("listeners:\n  web: { bind: \":8080\", upstraem: app }\nroutes: [{ respond: 204 }]\n");
  CHECK(render(found) ==
        "weir.yaml:2:25: error: unknown key \"upstraem\"\n"
        "  at listeners.web.upstraem\n"
        "     2 |   web: { bind: \":8080\", upstraem: app }\n"
        "       |                         ^\n"
        "  did you mean \"upstream\"? Allowed here: bind, upstream, max_connections, redirect_to_https, unix_mode, "
        "response_headers\n");
}

TEST_CASE("The caret of a long line stands under the right character") {
  const std::string text =
      "listeners: { web: \":8080\" }\nroutes: [{ respond: \"" + std::string(300, 'x') + "\", oops: \xC3\xBC }]\n";
  const std::string shown = render(only(text));
  INFO(shown);
  const std::size_t line = shown.find(" | ") + 3;
  const std::size_t caret = shown.find("| ", line) + 2;
  const std::size_t offset = shown.find('^') - caret;
  CHECK(shown.substr(line + offset, 4) == "oops");
}

TEST_CASE("The caret counts characters, not bytes") {
  const std::string shown =
      render(only("listeners: { web: \":8080\" }\nroutes: [{ respond: \"\xC3\xA4\xC3\xA4\", oops: 1 }]\n"));
  CHECK(contains(shown, "weir.yaml:2:27: error"));
  CHECK(contains(shown, "\n       |                           ^\n"));
}

TEST_CASE("All errors of a file are found at once, in the order of the lines") {
  const LoadResult result = load(R"(
runtime: { workers: x }
listeners: { web: { bind: ":80x", upstream: nope } }
routes:
  - { path: a, respond: 99 }
  - { host: "*" }
upstreams: { app: [] }
)");
  CHECK_FALSE(result.spec);
  std::vector<int> lines;
  for (const Diagnostic& d : result.diagnostics) {
    if (d.severity == Severity::error) lines.push_back(d.line);
  }
  CHECK(lines == std::vector<int>{2, 3, 3, 5, 5, 6, 6, 7});
}

TEST_CASE("Unknown keys name the nearest key, or the section the key belongs to") {
  check({WEB "acces_log: json\n", 3, 1, "acces_log", "unknown key \"acces_log\"", "did you mean \"access_log\"?"});
  check({WEB "trusted_proxies: []\n", 3, 1, "trusted_proxies", "unknown key", "belongs to forwarding"});
  check({WEB "zebra: {}\n", 3, 1, "zebra", "unknown key \"zebra\"", "Allowed here: runtime, limits, timeouts"});
  check({WEB "tls: {}\n", 3, 1, "tls", "weir has no key \"tls\"", "does not support TLS"});
  check_route("  - { upstream: app, timeout: { keep_alive: 1s } }\n", 33, "routes[0].timeout.keep_alive", "unknown key",
              "belongs to timeouts");
  check({WEB "on: 1\n", 3, 1, "on", "unknown key", "boolean"});
}

TEST_CASE("A duplicate key names both places") {
  check({"listeners:\n  web: \":1\"\n  web: \":2\"\nroutes: [{ respond: 204 }]\n", 3, 3, "listeners",
         "duplicate key \"web\"", "first defined at weir.yaml:2:3"});
  std::string many = "listeners:\n";
  for (int i = 1; i <= 40; ++i) many += "  l" + std::to_string(i) + ": \":" + std::to_string(i) + "\"\n";
  many += "  l7: \":99\"\nroutes: [{ respond: 204 }]\n";
  check({many.c_str(), 42, 3, "listeners", "duplicate key \"l7\"", "weir.yaml:8:3"});
}

TEST_CASE("Durations need a unit and a sensible length") {
  check({WEB "timeouts: { idle: 30 }\n", 3, 19, "timeouts.idle", "a duration needs a unit: 30s?", "units are"});
  check({WEB "timeouts: { idle: 5min }\n", 3, 19, "timeouts.idle", "\"5min\" is not a duration", "did you mean 5m?"});
  check({WEB "timeouts: { idle: soon }\n", 3, 19, "timeouts.idle", "\"soon\" is not a duration", "units are"});
  check({WEB "timeouts: { idle: 400d }\n", 3, 19, "timeouts.idle", "too long", "365d"});
  check({WEB "timeouts: { idle: [1s] }\n", 3, 19, "timeouts.idle", "expected a duration such as 30s, found a list",
         ""});
  check({WEB "timeouts: { idle: }\n", 3, 19, "timeouts.idle", "missing value", ""});
}

TEST_CASE("Sizes need a unit and fit where they are used") {
  check({WEB "limits: { head: 8192 }\n", 3, 17, "limits.head", "a size needs a unit: 8192B or 8192KiB?", "KiB"});
  check({WEB "limits: { head: 8K }\n", 3, 17, "limits.head", "\"8K\" is not a size", "did you mean 8KiB?"});
  check({WEB "limits: { head: 32KiB }\n", 3, 17, "limits.head", "does not fit into a buffer", "at most 28KiB"});
  check({WEB "limits: { head: 4KiB, header_line: 6KiB }\n", 3, 36, "limits.header_line", "longer than a whole head",
         "4KiB"});
  check({WEB "limits: { head: 1B }\n", 3, 17, "limits.head", "out of range", "from 256B"});
  check({WEB "runtime: { buffer_size: 1KiB }\n", 3, 25, "runtime.buffer_size", "out of range", "from 8KiB to 1MiB"});
}

TEST_CASE("Smaller buffers lower the defaults of the limits instead of being refused") {
  const auto spec = good(WEB "runtime: { buffer_size: 8KiB }\n");
  CHECK(spec->limits.head == 4096);
  CHECK(spec->limits.request_line == 4096);
}

TEST_CASE("Numbers and booleans are strict, and say what to write") {
  check({WEB "limits: { header_count: 129 }\n", 3, 25, "limits.header_count", "out of range", "from 1 to 128"});
  check({WEB "limits: { header_count: ten }\n", 3, 25, "limits.header_count", "expected a whole number", ""});
  check({WEB "limits: { header_count: \"10\" }\n", 3, 25, "limits.header_count", "found a string", "without quotes"});
  check({WEB "limits: { header_count: 010 }\n", 3, 25, "limits.header_count", "octal", "write 10"});
  check({WEB "limits: { header_count: 99999999999999999999 }\n", 3, 25, "limits.header_count", "out of range", ""});
  check({WEB "limits: { header_count: -1 }\n", 3, 25, "limits.header_count", "expected a whole number", ""});
  check({WEB "forwarding: { via: yes }\n", 3, 20, "forwarding.via", "true or false", "write true"});
  check({WEB "forwarding: { via: off }\n", 3, 20, "forwarding.via", "true or false", "write false"});
  check({WEB "forwarding: { via: \"true\" }\n", 3, 20, "forwarding.via", "true or false", "without quotes"});
  check({WEB "runtime: { workers: 0 }\n", 3, 21, "runtime.workers", "out of range", "from 1"});
  check({WEB "runtime: { backend: epol }\n", 3, 21, "runtime.backend", "unknown value", "did you mean epoll?"});
}

TEST_CASE("What YAML 1.1 would not read as a text is asked for in quotes") {
  check({WEB "server_name: off\n", 3, 14, "server_name", "YAML 1.1 reads off as a boolean", "\"off\""});
  check({WEB "access_log: off\n", 3, 13, "access_log", "not a format", "remove the key"});
  check({"listeners: { web: 22:22 }\nroutes: [{ respond: 204 }]\n", 1, 19, "listeners.web", "base-60", "\"22:22\""});
  check_route("  - { upstream: app, request_headers: { set: { X-A: no } } }\n", 53, "routes[0].request_headers.set.X-A",
              "boolean", "\"no\"");
  check({"listeners: { web: { bind: \"unix:/x\", unix_mode: 0660 } }\nroutes: [{ respond: 204 }]\n", 1, 49,
         "listeners.web.unix_mode", "different numbers", "in quotes, such as \"0660\""});
  good(WEB "server_name: \"off\"\n");
}

TEST_CASE("A listener address that is none comes with the right one") {
  const auto listener = [](const std::string& address, const char* message, const char* hint) {
    const std::string text = "listeners: { web: \"" + address + "\" }\nroutes: [{ respond: 204 }]\n";
    check({text.c_str(), 1, 19, "listeners.web", message, hint});
  };
  listener("8080", "\"8080\" is not an address", "a port alone as :8080");
  listener("localhost:8080", "not an address", "127.0.0.1:8080");
  listener("http://127.0.0.1:8080/", "not an address", "127.0.0.1:8080");
  listener("/run/x.sock", "not an address", "unix:/run/x.sock");
  listener("127.0.0.1", "not an address", "127.0.0.1:8080");
  listener("::1", "not an address", "[::1]:8080");
  listener("127.0.0.1:70000", "not an address", "65535");
  listener("nonsense here", "not an address", "an address is :8080, 127.0.0.1:8080, [::1]:8080 or unix:/path");
  listener("unix:/" + std::string(120, 'x'), "", "at most 107 bytes");
}

TEST_CASE("What was meant to be a named pipe comes with how one is written") {
  for (const char* bind : {R"('\\.\pipe\')", R"('\\.\pipe\a/b')", R"('\\server\pipe\web')", R"('\.\pipe\web')",
                           "//./pipe/web", "npipe:////./pipe/web", "pipe:web"}) {
    const std::string text = "listeners: { web: " + std::string(bind) + " }\nroutes: [{ respond: 204 }]\n";
    check({text.c_str(), 1, 19, "listeners.web", "not an address", R"('\\.\pipe\NAME' in single quotes)"});
  }
}

TEST_CASE("An endpoint that is none comes with the right one") {
  const auto endpoint = [](const char* address, const char* message, const char* hint) {
    const std::string text =
        "listeners: { web: { bind: \":1\", upstream: app } }\nupstreams: { app: [\"" + std::string(address) + "\"] }\n";
    check({text.c_str(), 2, 20, "upstreams.app[0]", message, hint});
  };
  endpoint("localhost", "not an endpoint", "it needs a port: localhost:80");
  endpoint("http://localhost:3000", "not an endpoint", "localhost:3000");
  endpoint(":3000", "has no host", "127.0.0.1:3000");
  endpoint("[::]:3000", "has no host", "[::1]:3000");
  endpoint("3000", "not an endpoint", "127.0.0.1:3000");
  endpoint("app_1:0", "not an endpoint", "");
  endpoint("127.0.0.1:0", "port 0", "");
  endpoint("256.0.0.1:80", "not an endpoint", "an endpoint is 127.0.0.1:3000");
  endpoint("-bad-:80", "not an endpoint", "");
}

TEST_CASE("Addresses that are bound twice are refused, overlapping ones are pointed out") {
  check({"listeners: { a: \":80\", b: \":80\" }\nroutes: [{ respond: 204 }]\n", 1, 27, "listeners.b", "bound twice",
         "weir.yaml:1:17"});
  check({"listeners: { a: [\"unix:/x\", \"unix:/x\"] }\nroutes: [{ respond: 204 }]\n", 1, 29, "listeners.a[1]",
         "bound twice", ""});
  check({R"(listeners: { a: ['\\.\pipe\web', '\\.\pipe\Web'] }
routes: [{ respond: 204 }]
)",
         1, 34, "listeners.a[1]", "bound twice", ""});
  check({"listeners: { a: \":80\", b: \"127.0.0.1:80\" }\nroutes: [{ respond: 204 }]\n", 1, 27, "listeners.b",
         "overlap", ""},
        Severity::warning);
  good("listeners: { a: \":80\", b: \"[::]:80\", c: \":0\", d: \":0\" }\nroutes: [{ respond: 204 }]\n");
}

TEST_CASE("A listener needs something to do") {
  check({"listeners: { web: \":80\" }\n", 1, 14, "listeners.web", "no route and no upstream", "add upstream"});
  check({"listeners: { a: \":80\", b: \":81\" }\nroutes: [{ respond: 204, listeners: a }]\n", 1, 24, "listeners.b",
         "no route and no upstream", ""});
  check({"routes: [{ respond: 204 }]\n", 1, 1, "", "no listener", "listeners:"});
  check({"listeners: { web: }\nroutes: [{ respond: 204 }]\n", 1, 14, "listeners.web", "no address", "bind"});
  check({"listeners: { web: [] }\nroutes: [{ respond: 204 }]\n", 1, 19, "listeners.web", "no address", "bind"});
  good("listeners: { web: { bind: \":80\", redirect_to_https: true } }\n");
}

TEST_CASE("Names that are referred to must exist") {
  check_route("  - { upstream: ap }\n", 17, "routes[0].upstream", "no upstream \"ap\"", "did you mean \"app\"?");
  check_route("  - { upstream: app, listeners: wbe }\n", 33, "routes[0].listeners", "no listener \"wbe\"",
              "did you mean \"web\"?");
  check({"listeners: { web: { bind: \":1\", upstream: x } }\n", 1, 43, "listeners.web.upstream", "no upstream \"x\"",
         "add it to upstreams"});
}

TEST_CASE("An upstream that nothing names is pointed out") {
  check({WEB "upstreams: { app: [\"127.0.0.1:1\"] }\n", 3, 14, "upstreams.app", "not used", ""}, Severity::warning);
}

TEST_CASE("A route has exactly one action") {
  check_route("  - { path: /x }\n", 5, "routes[0]", "does nothing", "upstream, respond and redirect");
  check_route("  - { upstream: app, respond: 204 }\n", 31, "routes[0].respond", "2 actions: upstream and respond",
              "keep one");
  check_route("  - { respond: }\n", 16, "routes[0].respond", "missing value", "");
  check_route("  - app\n", 5, "routes[0]", "a map of route keys", "upstream: app");
}

TEST_CASE("A host is a name, in ASCII, with a wildcard at most in front") {
  check_route("  - { host: \"*\", upstream: app }\n", 13, "routes[0].host", "is not a host", "leave host out");
  check_route("  - { host: \"a.com:80\", upstream: app }\n", 13, "routes[0].host", "is not a host", "write a.com");
  check_route("  - { host: \"a.*.com\", upstream: app }\n", 13, "routes[0].host", "first label", "");
  check_route("  - { host: \"*a.com\", upstream: app }\n", 13, "routes[0].host", "first label", "");
  check_route("  - { host: m\xC3\xBCnchen.de, upstream: app }\n", 13, "routes[0].host", "not ASCII", "xn--");
  check_route("  - { host: \"https://a.com\", upstream: app }\n", 13, "routes[0].host", "is not a host", "without scheme");
  check_route("  - { host: a.com/x, upstream: app }\n", 13, "routes[0].host", "is not a host", "path is a key of its own");
  check_route("  - { host: [], upstream: app }\n", 13, "routes[0].host", "an empty list", "leave host out");
  check_route("  - { host: \"[::x]\", upstream: app }\n", 13, "routes[0].host", "is not a host", "");
}

TEST_CASE("A path is in its normal form, or it could never match") {
  check_route("  - { path: api, upstream: app }\n", 13, "routes[0].path", "does not begin with /", "write /api");
  check_route("  - { path: /a//b, upstream: app }\n", 13, "routes[0].path", "normal form", "write /a/b");
  check_route("  - { path: /a%2fb, paths: { encoded_slashes: keep }, upstream: app }\n", 13, "routes[0].path",
              "normal form", "write /a%2Fb");
  check_route("  - { path: /a/..%2Fb, paths: { encoded_slashes: keep }, upstream: app }\n", 13, "routes[0].path",
              "beside . or ..", "without ..");
  check_route("  - { path: /a//b/., paths: { merge_slashes: false }, upstream: app }\n", 13, "routes[0].path",
              "normal form", "write /a//b/");
  check_route("  - { path: /a/../b, upstream: app }\n", 13, "routes[0].path", "normal form", "write /b");
  check_route("  - { path: =/%41, upstream: app }\n", 13, "routes[0].path", "normal form", "write /A");
  check_route("  - { path: /../b, upstream: app }\n", 13, "routes[0].path", "climbs", "");
  check_route("  - { path: /a%2fb, upstream: app }\n", 13, "routes[0].path", "hidden slash", "");
  check_route("  - { path: \"/a?b=1\", upstream: app }\n", 13, "routes[0].path", "contains a ?", "write /a");
  check_route("  - { path: /a/*, upstream: app }\n", 13, "routes[0].path", "contains a *", ": /a is for /a and everything");
  check_route("  - { path: /*, upstream: app }\n", 13, "routes[0].path", "contains a *", ": / is for / and everything");
  check_route("  - { path: /a*, upstream: app }\n", 13, "routes[0].path", "contains a *", ": /a is for /a and everything");
  check_route("  - { path: /a/b*.php, upstream: app }\n", 13, "routes[0].path", "contains a *", ": /a is for /a and");
  check_route("  - { path: =/a/*, upstream: app }\n", 13, "routes[0].path", "contains a *", ": /a is for /a and");
  check_route("  - { path: /caf\xC3\xA9, upstream: app }\n", 13, "routes[0].path", "percent-encoded",
              ": /caf%C3%A9");
  check_route("  - { path: \"/50%\", upstream: app }\n", 13, "routes[0].path", "two hex digits", "%25");
  check_route("  - { path: /a b, upstream: app }\n", 13, "routes[0].path", "no request can have", ": /a%20b");
}

TEST_CASE("Methods and header conditions are checked") {
  check_route("  - { methods: get, upstream: app }\n", 16, "routes[0].methods", "case-sensitive", "write GET");
  check_route("  - { methods: [GET, \"A B\"], upstream: app }\n", 22, "routes[0].methods[1]", "not a method", "");
  check_route("  - { methods: GTE, upstream: app }\n", 16, "routes[0].methods", "unusual", "did you mean GET?",
              Severity::warning);
  check_route("  - { headers: { X-A: false }, upstream: app }\n", 23, "routes[0].headers.X-A", "absence", "\"false\"");
  check_route("  - { headers: { \"X A\": 1 }, upstream: app }\n", 18, "routes[0].headers.X A", "not a header name", "");
  check_route("  - { headers: [X-A], upstream: app }\n", 16, "routes[0].headers", "expected a map of header names",
              "");
}

TEST_CASE("Headers that weir writes itself cannot be edited") {
  const auto edit = [](const std::string& inside, int column, const char* path, const char* message, const char* hint) {
    check_route(("  - { upstream: app, request_headers: " + inside + " }\n").c_str(), column, path, message, hint);
  };
  edit("{ set: { Connection: x } }", 48, "routes[0].request_headers.set.Connection", "cannot be changed",
       "sets it itself");
  edit("{ remove: [content-length] }", 50, "routes[0].request_headers.remove[0]", "cannot be changed", "");
  edit("{ add: { Transfer-Encoding: x } }", 48, "routes[0].request_headers.add.Transfer-Encoding", "cannot be changed",
       "");
  edit("{ set: { Host: x } }", 48, "routes[0].request_headers.set.Host", "cannot be changed", "rewrite");
  edit("{ set: { \"X:\": x } }", 48, "routes[0].request_headers.set.X:", "not a header name", "");
  edit("{ set: { X-A: \"a\\nb\" } }", 53, "routes[0].request_headers.set.X-A", "not a valid header value", "one line");
  edit("{ set: { X-A: 1, x-a: 2 } }", 56, "routes[0].request_headers.set.x-a", "set twice", "");
  edit("{ set: { X-A: [1] } }", 53, "routes[0].request_headers.set.X-A", "expected a string, found a list", "");
}

TEST_CASE("Responses and redirects keep to HTTP") {
  check_route("  - respond: 503 Service Unavailable\n", 14, "routes[0].respond", "is a string, which would be sent",
              "for status 503 write respond: { status: 503, body: \"Service Unavailable\" }");
  check_route("  - respond: \"503\"\n", 14, "routes[0].respond", "is a string", "for status 503 write respond: 503;");
  check_route("  - respond: \"404 Not Found\"\n", 14, "routes[0].respond", "is a string", "status: 404");
  check_route("  - respond: 99\n", 14, "routes[0].respond", "out of range", "200 to 599");
  check_route("  - respond: 101\n", 14, "routes[0].respond", "out of range", "");
  check_route("  - respond: { status: 204, body: x }\n", 35, "routes[0].respond.body", "has no body", "");
  check_route("  - respond: [1]\n", 14, "routes[0].respond", "a status, a string or a map", "");
  check_route("  - respond: { headers: { Upgrade: x } }\n", 27, "routes[0].respond.headers.Upgrade",
              "cannot be changed", "");
  check_route("  - redirect: { location: /x, status: 305 }\n", 39, "routes[0].redirect.status", "305", "308");
  check_route("  - redirect: { status: 301 }\n", 15, "routes[0].redirect", "no location", "add location");
  check_route("  - redirect: example.com\n", 15, "routes[0].redirect", "not a location", "begins with https://");
  check_route("  - redirect: \"https://a b/\"\n", 15, "routes[0].redirect", "not a location", "no space");
}

TEST_CASE("A rewrite fits the path that is matched") {
  check_route("  - { path: =/x, upstream: app, rewrite: { prefix: /y } }\n", 52, "routes[0].rewrite.prefix",
              "if the route matches a prefix", "path: /new");
  check_route("  - { upstream: app, rewrite: { prefix: /y, path: /z } }\n", 51, "routes[0].rewrite.path",
              "mutually exclusive", "");
  check_route("  - { upstream: app, rewrite: { path: y } }\n", 39, "routes[0].rewrite.path", "does not begin with /",
              "");
  check_route("  - { upstream: app, rewrite: { host: \"a b\" } }\n", 39, "routes[0].rewrite.host", "is not a host", "");
  check_route("  - { respond: 204, rewrite: { host: a } }\n", 30, "routes[0].rewrite", "no effect", "answers requests itself",
              Severity::warning);
}

TEST_CASE("A route that an earlier one always beats is pointed out") {
  const auto second = [](const std::string& one, const std::string& two) {
    return load(with_routes("  - { upstream: app, " + one + " }\n  - { upstream: app, " + two + " }\n"));
  };
  const auto dead = [&](const std::string& one, const std::string& two) {
    const LoadResult result = second(one, two);
    INFO(all_messages(result));
    REQUIRE(result.diagnostics.size() == 1);
    CHECK(result.spec);
    CHECK(contains(result.diagnostics[0].message, "can never match"));
    CHECK(contains(result.diagnostics[0].hint, "weir.yaml:4:5"));
    CHECK(result.diagnostics[0].key_path == "routes[1]");
  };
  const auto alive = [&](const std::string& one, const std::string& two) {
    INFO(all_messages(second(one, two)));
    CHECK(second(one, two).diagnostics.empty());
  };
  dead("path: /a", "path: /a");
  dead("host: [a.com, b.com]", "host: B.com");
  dead("path: /a", "path: /a, listeners: web");
  dead("methods: [GET, HEAD]", "methods: GET");
  dead("headers: { X-A: 1 }", "headers: { x-a: 1 }");
  dead("host: a.com", "host: [a.com, a.com]");
  dead("path: /a", "path: /a/");  // as a prefix it is the same
  dead("path: /a/", "path: /a");
  dead("headers: { X-A: true }", "headers: { X-A: 1 }");
  alive("headers: { X-A: 1 }", "headers: { X-A: true }");
  alive("path: =/a", "path: =/a/");
  alive("path: /a", "path: =/a");
  alive("path: /a", "path: /a, methods: GET");  // more specific: it goes first
  alive("path: /a, methods: GET", "path: /a");
  alive("methods: GET", "methods: [GET, HEAD]");
  alive("path: /a", "path: /a, headers: { X-A: 1 }");
  alive("host: a.com", "host: [a.com, b.com]");
  alive("host: a.com", "path: /");
  alive("path: /a, listeners: web", "path: /a");
}

TEST_CASE("A route that names a redirecting listener is not beaten by one that is on the others") {
  const std::string plain = "{ bind: \":80\", redirect_to_https: true }";
  const std::string text = "listeners: { plain: " + plain + ", web: { bind: \":8080\" } }\nroutes:\n" +
                           "  - { path: /a, respond: 200 }\n  - { path: /a, listeners: plain, respond: 204 }\n";
  INFO(all_messages(load(text)));
  CHECK(load(text).diagnostics.empty());
}

TEST_CASE("Odd upstreams are refused or pointed out") {
  const auto upstream = [](const std::string& text, int column, const char* path, const char* message,
                           Severity severity = Severity::error) {
    const std::string file = "listeners: { web: { bind: \":1\", upstream: app } }\nupstreams: { app: " + text + " }\n";
    check({file.c_str(), 2, column, path, message, ""}, severity);
  };
  upstream("[]", 19, "upstreams.app", "no endpoints");
  upstream("{ max_idle: 1 }", 14, "upstreams.app", "no endpoints");
  upstream("{ endpoints: { a: b } }", 32, "upstreams.app.endpoints", "expected a list of endpoints, found a map");
  upstream("[{ weight: 1 }]", 20, "upstreams.app[0]", "no address");
  upstream("[[\"127.0.0.1:1\"]]", 20, "upstreams.app[0]", "a map of endpoint keys");
  upstream("[{ address: \"127.0.0.1:1\", weight: -1 }]", 54, "upstreams.app[0].weight", "a whole number");
  upstream("[\"127.0.0.1:1\", \"127.0.0.1:1\"]", 35, "upstreams.app[1]", "listed twice", Severity::warning);
  upstream("[{ address: \"127.0.0.1:1\", weight: 0 }]", 19, "upstreams.app", "weight 0", Severity::warning);
}

TEST_CASE("Trusted proxies are address blocks") {
  check({WEB "forwarding: { trusted_proxies: [10.0.0.0/33] }\n", 3, 33, "forwarding.trusted_proxies[0]",
         "not an address block", "10.0.0.0/8"});
  check({WEB "forwarding: { trusted_proxies: 10.0.0.1/8 }\n", 3, 32, "forwarding.trusted_proxies",
         "address bits set beyond its prefix", "write 10.0.0.0/8 for the block, or 10.0.0.1 for this address alone"});
  check({WEB "forwarding: { trusted_proxies: \"fd00::1/8\" }\n", 3, 32, "forwarding.trusted_proxies",
         "address bits set beyond its prefix", "fd00::/8"});
  check(
      {WEB "forwarding: { trusted_proxies: everyone }\n", 3, 32, "forwarding.trusted_proxies", "not an address block", ""});
}

TEST_CASE("Sections of the wrong shape are refused, empty ones are nothing") {
  check({WEB "runtime: fast\n", 3, 10, "runtime", "expected a map of runtime keys, found a string", ""});
  check({WEB "upstreams: [a]\n", 3, 12, "upstreams", "a map of upstreams", ""});
  check({"listeners: { web: \":1\" }\nroutes: { a: b }\n", 2, 9, "routes", "a list of routes", "- host"},
        Severity::error);
  good(WEB "runtime:\nupstreams:\n");
  good("listeners: { web: { bind: \":1\", upstream: app } }\nupstreams: { app: [\"127.0.0.1:1\"] }\nroutes:\n");
}

TEST_CASE("A key of another proxy is answered with what weir has for it") {
  CHECK(std::is_sorted(foreign_keys().begin(), foreign_keys().end(),
                       [](const ForeignKey& a, const ForeignKey& b) { return a.name < b.name; }));
  for (const ForeignKey& foreign : foreign_keys()) {
    INFO(foreign.name);
    const bool known_at_top = find_key(keys::file, foreign.name) != nullptr;
    const std::string name(foreign.name);
    const Diagnostic found = known_at_top ? only(with_routes("  - { upstream: app, " + name + ": x }\n"))
                                          : only(WEB + name + ": x\n");
    CHECK(found.message == "weir has no key \"" + name + "\"");
    CHECK(found.hint == foreign.answer);
    CHECK_FALSE(contains(foreign.answer, " yet"));
  }
  CHECK(contains(only(WEB "location /api: { proxy_pass: x }\n").hint, "use a route"));
  CHECK(contains(only("listeners: { web: { bind: \":1\", upstream: a } }\n"
                      "upstreams: { a: [\"10.0.0.1:80 weight=3 max_fails=2\"] }\n")
                     .hint,
                 "{ address: \"10.0.0.1:80\", weight: 3 }"));
  CHECK(contains(only("listeners: { web: { bind: \":1\", upstream: a } }\nupstreams: { a: [\"10.0.0.1:80 backup\"] }\n")
                     .hint,
                 "no backup servers"));
}

TEST_CASE("A whole file of another proxy is recognised") {
  CHECK(contains(only("server {\n  listen 80;\n}\n").hint, "docs/from-nginx.md"));
  CHECK(contains(only("frontend web\n  bind :80\n  default_backend app\n").hint, "docs/from-haproxy.md"));
  CHECK(contains(only("example.com {\n  reverse_proxy localhost:3000\n}\n").hint, "docs/from-caddy.md"));
}

TEST_CASE("Variables of other proxies are errors with the right spelling") {
  const auto redirect = [](const std::string& location) { return only(with_routes("  - redirect: \"" + location + "\"\n")); };
  CHECK(contains(redirect("https://$host$request_uri").message, "\"$host\" is not a weir variable"));
  CHECK(contains(redirect("https://$host$request_uri").hint, "write ${host}; to send it literally, write $$host"));
  CHECK(contains(redirect("https://${host}$request_uri").hint, "write ${uri}"));
  CHECK(contains(redirect("https://a.test/$1").hint, "no regular expressions"));
  CHECK(contains(redirect("https://${hots}/").hint, "did you mean ${host}? The variables are ${client} ${host} ${host_port}"));
  CHECK(contains(redirect("https://${request_uri}/").hint, "did you mean ${uri}?"));
  CHECK(contains(redirect("https://${host:-a}/").hint, "write ${host}"));
  CHECK(contains(redirect("https://${header.}/").hint, "${header.X-Tenant}"));
  const Diagnostic caddy = redirect("https://{host}{uri}");
  CHECK(caddy.severity == Severity::warning);
  CHECK(contains(caddy.hint, "write the variable as ${host}"));
  const auto header = [](const std::string& value) {
    return only(with_routes("  - { upstream: app, request_headers: { set: { X-A: \"" + value + "\" } } }\n"));
  };
  CHECK(contains(header("$remote_addr").hint, "write ${client}"));
  CHECK(contains(header("$http_x_tenant_id").hint, "write ${header.X-Tenant-Id}"));
  CHECK(contains(header("$proxy_add_x_forwarded_for").hint, "automatically: remove this line"));
  CHECK(contains(header("%[src]").message, "\"%[src]\" is sent literally"));
  CHECK(contains(only(with_routes("  - respond: \"${host}\"\n")).message, "${host} is a request variable"));
  CHECK(contains(only("access_log: \"${status} ${hots}\"\n" WEB).hint, "did you mean ${host}?"));
}

TEST_CASE("A rewrite with variables has the shape of a path") {
  const auto rewrite = [](const std::string& path) {
    return only(with_routes("  - { upstream: app, rewrite: { path: \"" + path + "\" } }\n"));
  };
  CHECK(contains(rewrite("/t/${path}").hint, "write /t${path}"));
  CHECK(contains(rewrite("/t${uri}").hint, "write ${path}"));
  CHECK(contains(rewrite("t${path}").message, "does not begin with /"));
  CHECK(contains(rewrite("/../${host}").message, "climbs"));
}
