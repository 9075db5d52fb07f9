// A good file becomes the Spec it describes.
#include <fmt/format.h>

#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;
using namespace std::chrono_literals;

TEST_CASE("The smallest file is a listener with an upstream") {
  const auto spec =
      good("listeners:\n  web: { bind: \":8080\", upstream: app }\nupstreams:\n  app: [\"127.0.0.1:3001\"]\n");
  REQUIRE(spec->listeners.size() == 1);
  CHECK(spec->listeners[0].name == "web");
  CHECK(spec->listeners[0].upstream == "app");
  REQUIRE(spec->listeners[0].bind.size() == 2);
  CHECK(to_string(spec->listeners[0].bind[0]) == "0.0.0.0:8080");
  CHECK(to_string(spec->listeners[0].bind[1]) == "[::]:8080");
  CHECK(spec->listeners[0].second_family == std::vector<bool>{false, true});
  CHECK(spec->listeners[0].origin.file == "weir.yaml");
  CHECK(spec->listeners[0].origin.line == 2);
  CHECK(spec->listeners[0].origin.column == 3);
  REQUIRE(spec->upstreams.size() == 1);
  CHECK(to_string(spec->upstreams[0].endpoints.at(0).addresses.at(0)) == "127.0.0.1:3001");
  CHECK(spec->routes.empty());
  CHECK_FALSE(spec->access_log.enabled);
}

TEST_CASE("The control socket can be off, also as YAML has it") {
  for (const char* word : {"off", "no", "false", "\"off\"", "OFF"}) {
    const auto spec = good(fmt::format("listeners: {{ web: ':1' }}\nroutes: [{{ respond: 204 }}]\nruntime: {{ control: {} }}\n", word));
    CHECK(spec->runtime.control == "off");
  }
}

TEST_CASE("Every key of the top sections arrives") {
  const auto spec = good(R"(
runtime: { workers: 3, backend: poll, buffer_size: 64KiB, control: "unix:/run/a.sock", shutdown: { timeout: 10s, idle: 0s, tunnels: 3s } }
paths: { merge_slashes: false, encoded_slashes: keep }
limits: { request_line: 4KiB, header_line: 2KiB, head: 60KiB, header_count: 50, trailers: 1KiB }
timeouts: { head: 1s, keep_alive: 2s, connect: 3s, first_byte: 4s, idle: 5s, total: 6s, tunnel: 7s, half_closed: 8s, linger: 9s, linger_idle: 10s }
forwarding: { x_forwarded: false, forwarded: false, via: false, via_upstream: true, request_id: false, trusted_proxies: [10.0.0.0/8, "::1"] }
access_log: { format: json, path: /var/log/weir.log }
server_name: ""
listeners: { web: ":1" }
routes: [{ respond: 204 }]
)");
  CHECK(spec->runtime.workers == 3);
  CHECK(spec->runtime.backend == "poll");
  CHECK(spec->runtime.buffer_size == 64 * 1024);
  CHECK(spec->runtime.control == "unix:/run/a.sock");
  CHECK(spec->runtime.shutdown.timeout == 10s);
  CHECK(spec->runtime.shutdown.idle == 0s);
  CHECK(spec->limits.request_line == 4096);
  CHECK(spec->limits.header_line == 2048);
  CHECK(spec->limits.head == 60 * 1024);
  CHECK(spec->limits.header_count == 50);
  CHECK(spec->limits.trailers == 1024);
  const proxy::Timeouts& t = spec->timeouts;
  CHECK(t.head == 1s);
  CHECK(t.keep_alive == 2s);
  CHECK(t.connect == 3s);
  CHECK(t.first_byte == 4s);
  CHECK(t.idle == 5s);
  CHECK(t.total == 6s);
  CHECK(t.tunnel == 7s);
  CHECK(t.half_closed == 8s);
  CHECK(t.linger == 9s);
  CHECK(t.linger_idle == 10s);
  CHECK(spec->runtime.shutdown.tunnels == 3s);
  CHECK_FALSE(spec->paths.merge_slashes);
  CHECK(spec->paths.encoded_slash == proxy::PathRules::EncodedSlash::keep);
  CHECK_FALSE(spec->forwarding.x_forwarded);
  CHECK_FALSE(spec->forwarding.forwarded);
  CHECK_FALSE(spec->forwarding.via);
  CHECK(spec->forwarding.via_upstream);
  CHECK_FALSE(spec->forwarding.request_id);
  REQUIRE(spec->forwarding.trusted_proxies.size() == 2);
  CHECK(spec->forwarding.trusted_proxies[0].prefix_bits == 8);
  CHECK(spec->forwarding.trusted_proxies[1].prefix_bits == 128);
  CHECK(spec->access_log.enabled);
  CHECK(spec->access_log.format == proxy::LogFormat::json);
  CHECK(spec->access_log.path == "/var/log/weir.log");
  CHECK(spec->server_name.empty());
}

TEST_CASE("Every key of a route arrives") {
  const auto spec = good(R"(
listeners: { web: ":8080", other: ":8081" }
upstreams: { app: ["127.0.0.1:3000"] }
timeouts: { idle: 9s }
routes:
  - name: api
    host: [API.example.com, "*.Example.org"]
    path: /v1
    methods: [GET, PURGE]
    headers: { X-Env: beta, X-There: true, X-Null: , X-Text: "true" }
    listeners: [web, other]
    upstream: app
    rewrite: { prefix: /internal, host: "app:80" }
    request_headers: { remove: X-Debug, set: { X-A: 1 }, add: { X-B: [two, three] } }
    response_headers: { remove: [Server], own_answers: false }
    paths: { merge_slashes: false }
    timeout: { connect: 1s, total: 2s }
    max_body: 10MiB
    allow_connect: true
    allow_upgrade: false
    allow_trace: true
)");
  const proxy::RouteSpec& r = spec->routes.at(0);
  CHECK(r.name == "api");
  CHECK(r.hosts == std::vector<std::string>{"api.example.com", "*.example.org"});
  CHECK(r.path == "/v1");
  CHECK(r.path_match == proxy::PathMatch::prefix);
  CHECK(r.methods == std::vector<std::string>{"GET", "PURGE"});
  REQUIRE(r.headers.size() == 4);
  CHECK(r.headers[0].value == "beta");
  CHECK_FALSE(r.headers[1].value);
  CHECK_FALSE(r.headers[2].value);
  CHECK(r.headers[3].value == "true");
  CHECK(r.listeners == std::vector<std::string>{"web", "other"});
  CHECK(r.upstream == "app");
  CHECK(r.rewrite.prefix == "/internal");
  CHECK_FALSE(r.rewrite.path);
  CHECK(r.rewrite.host == "app:80");
  CHECK(r.request_headers.remove == std::vector<std::string>{"X-Debug"});
  REQUIRE(r.request_headers.set.size() == 1);
  CHECK(r.request_headers.set[0].name == "X-A");
  CHECK(r.request_headers.set[0].value == "1");
  REQUIRE(r.request_headers.add.size() == 2);
  CHECK(r.request_headers.add[1].value == "three");
  CHECK(r.response_headers.remove == std::vector<std::string>{"Server"});
  CHECK(r.timeout.connect == 1s);
  CHECK(r.timeout.total == 2s);
  CHECK(r.timeout.idle == 9s);  // from timeouts
  CHECK(r.max_body == 10 * 1024 * 1024);
  CHECK(r.allow_connect);
  CHECK_FALSE(r.allow_upgrade);
  CHECK(r.allow_trace);
  CHECK_FALSE(r.edit_own_answers);
  CHECK_FALSE(r.paths.merge_slashes);
  CHECK(r.paths.encoded_slash == proxy::PathRules::EncodedSlash::refuse);
  CHECK(r.origin.line == 6);
}

TEST_CASE("A path with = is exact, a route without a name is called by its number") {
  const auto route = route_of("  - { path: =/x, upstream: app }\n");
  CHECK(route.path_match == proxy::PathMatch::exact);
  CHECK(route.path == "/x");
  CHECK(route.name == "route 1");
}

TEST_CASE("A response is a status, a text or a map") {
  CHECK(route_of("  - respond: 204\n").respond->status == 204);
  CHECK(route_of("  - respond: 204\n").respond->body.empty());
  CHECK(route_of("  - respond: hello\n").respond->body == "hello");
  CHECK(route_of("  - respond: ${WEIR_NEVER_SET:-204}\n").respond->status == 204);
  CHECK(route_of("  - respond: 2049 things\n").respond->body == "2049 things");
  CHECK(route_of("  - respond: { body: \"204\" }\n").respond->body == "204");
  const auto full =
      route_of("  - respond: { status: 503, body: later, content_type: text/html, headers: { Retry-After: 5 } }\n");
  CHECK(full.respond->status == 503);
  CHECK(full.respond->body == "later");
  CHECK(full.respond->content_type == "text/html");
  REQUIRE(full.respond->headers.add.size() == 1);
  CHECK(full.respond->headers.add[0].value == "5");
}

TEST_CASE("A redirect is a location, or a location with a status") {
  CHECK(route_of("  - redirect: \"http://${host_port}/x\"\n").redirect->location == "http://${host_port}/x");
  CHECK(route_of("  - redirect: \"https://${host}${uri}\"\n").redirect->location == "https://${host}${uri}");
  CHECK(route_of("  - redirect: /new\n").redirect->status == 308);
  CHECK(route_of("  - redirect: { location: /new, status: 302 }\n").redirect->status == 302);
}

TEST_CASE("An upstream is one endpoint, a list, or a map with weights") {
  const auto spec = good(R"(
listeners: { web: ":8080" }
routes:
  - { path: /a, upstream: one }
  - { path: /b, upstream: two }
  - { path: /c, upstream: three }
upstreams:
  one: "127.0.0.1:1"
  two: ["127.0.0.1:1", "[::1]:2"]
  three:
    endpoints: [{ address: "unix:/run/a.sock", weight: 0 }, { address: "app.internal:80", weight: 7 }]
    max_idle: 8
    idle_timeout: 5s
)");
  CHECK(spec->upstreams[0].endpoints.size() == 1);
  CHECK(spec->upstreams[1].endpoints[1].addresses[0].family == Family::ipv6);
  const proxy::UpstreamSpec& three = spec->upstreams[2];
  CHECK(three.max_idle == 8);
  CHECK(three.idle_timeout == 5s);
  CHECK(three.endpoints[0].weight == 0);
  CHECK(three.endpoints[1].weight == 7);
  CHECK(three.endpoints[1].text == "app.internal:80");
  CHECK(three.endpoints[1].addresses.empty());  // a name: resolved later
}

TEST_CASE("A unix address views into the text that the spec itself holds") {
  const auto spec = good(
      "listeners: { web: { bind: \"unix:/run/x.sock\", unix_mode: \"0660\", upstream: app } }\n"
      "upstreams: { app: [\"unix:/run/a.sock\"] }\n");
  const proxy::ListenerSpec& listener = spec->listeners[0];
  CHECK(listener.unix_mode == 0660);
  const auto inside = [](std::string_view view, const std::string& text) {
    return view.data() >= text.data() && view.data() + view.size() <= text.data() + text.size();
  };
  CHECK(inside(listener.bind.at(0).path, listener.bind_texts.at(0)));
  CHECK(listener.bind[0].path == "/run/x.sock");
  const proxy::EndpointSpec& endpoint = spec->upstreams[0].endpoints[0];
  CHECK(inside(endpoint.addresses.at(0).path, endpoint.text));
}

TEST_CASE("A listener and an endpoint can be named pipes") {
  const auto spec = good(R"(
listeners: { web: '\\.\pipe\web' }
routes: [{ upstream: app }]
upstreams: { app: ['\\.\pipe\app'] }
)");
  REQUIRE(spec->listeners[0].bind.size() == 1);
  CHECK(spec->listeners[0].bind[0].family == Family::named_pipe);
  CHECK(spec->listeners[0].bind[0].path == "web");
  const proxy::EndpointSpec& endpoint = spec->upstreams[0].endpoints[0];
  REQUIRE(endpoint.addresses.size() == 1);
  CHECK(to_string(endpoint.addresses[0]) == endpoint.text);
}

TEST_CASE("An IPv6 literal can be a host, a closing dot is no part of one") {
  CHECK(route_of("  - { host: \"[::1]\", upstream: app }\n").hosts[0] == "[::1]");
  CHECK(route_of("  - { host: example.com., upstream: app }\n").hosts[0] == "example.com");
  CHECK(route_of("  - { host: 10.0.0.1, upstream: app }\n").hosts[0] == "10.0.0.1");
}

TEST_CASE("A missing file is an error without a line") {
  const LoadResult result = load_file("does/not/exist.yaml");
  REQUIRE(result.diagnostics.size() == 1);
  CHECK_FALSE(result.spec);
  CHECK(result.diagnostics[0].line == 0);
  CHECK(render(result.diagnostics[0]) == "does/not/exist.yaml: error: cannot be read: No such file or directory\n");
}

TEST_CASE("A directory is no configuration file") {
  const Directory directory;
  const LoadResult result = load_file(directory.path());
  REQUIRE(result.diagnostics.size() == 1);
  CHECK(contains(result.diagnostics[0].message, "directory"));
}

TEST_CASE("A port alone is bound in both families, unless the other is written") {
  const auto binds = [](const char* listeners) {
    const LoadResult result = load(std::string("listeners: ") + listeners + "\nroutes: [{ respond: 204 }]\n");
    INFO(all_messages(result));
    REQUIRE(result.spec);
    CHECK(result.diagnostics.empty());
    std::vector<std::string> out;
    for (const proxy::ListenerSpec& listener : result.spec->listeners) {
      CHECK(listener.bind.size() == listener.second_family.size());
      for (const Address& address : listener.bind) out.push_back(listener.name + " " + to_string(address));
    }
    return out;
  };
  using Texts = std::vector<std::string>;
  CHECK(binds("{ a: \":80\" }") == Texts{"a 0.0.0.0:80", "a [::]:80"});
  CHECK(binds("{ a: \"0.0.0.0:80\" }") == Texts{"a 0.0.0.0:80"});
  CHECK(binds("{ a: \"[::]:80\" }") == Texts{"a [::]:80"});
  CHECK(binds("{ a: [\":80\", \"[::]:80\"] }") == Texts{"a 0.0.0.0:80", "a [::]:80"});
  CHECK(binds("{ a: [\"[::]:80\", \":80\"] }") == Texts{"a [::]:80", "a 0.0.0.0:80"});
  CHECK(binds("{ a: \":80\", b: \"[::]:80\" }") == Texts{"a 0.0.0.0:80", "b [::]:80"});
  CHECK(binds("{ a: \":0\", b: \":0\" }") == Texts{"a 0.0.0.0:0", "a [::]:0", "b 0.0.0.0:0", "b [::]:0"});
}

TEST_CASE("A listener has headers for all its answers") {
  const auto spec = good(
      "listeners: { web: { bind: \":1\", response_headers: { set: { X-L: \"${listener}\" } } } }\n"
      "routes: [{ respond: 204 }]\n");
  REQUIRE(spec->listeners[0].response_headers.set.size() == 1);
  CHECK(spec->listeners[0].response_headers.set[0].value == "${listener}");
}

TEST_CASE("The access log has a named format, or one by template") {
  const auto log = [](const std::string& value) {
    return good("access_log: " + value + "\nlisteners: { web: \":1\" }\nroutes: [{ respond: 204 }]\n")->access_log;
  };
  CHECK(log("combined").format == proxy::LogFormat::combined);
  CHECK(log("terminal").format == proxy::LogFormat::terminal);
  CHECK(log("{ format: json }").format == proxy::LogFormat::json);
  const auto line = log("{ format: \"${time} ${status} ${header.X-A} $$\" }");
  CHECK(line.format == proxy::LogFormat::line);
  CHECK(line.line == "${time} ${status} ${header.X-A} $$");
}

TEST_CASE("Texts of a request keep its variables and take those of the environment as text") {
  const auto route = route_of(
      "  - upstream: app\n"
      "    rewrite: { path: \"/t/${header.X-Tenant}${path}\", host: \"${host}\" }\n"
      "    request_headers:\n"
      "      set: { X-Real-IP: \"${client}\", X-P: \"${WEIR_NEVER_SET:-a$b}\", X-Q: \"$$5 ${method}\" }\n");
  CHECK(route.rewrite.path == "/t/${header.X-Tenant}${path}");
  CHECK(route.rewrite.host == "${host}");
  CHECK(route.request_headers.set[0].value == "${client}");
  CHECK(route.request_headers.set[1].value == "a$$b");
  CHECK(route.request_headers.set[2].value == "$$5 ${method}");
}

TEST_CASE("A path may hold encoded slashes and empty segments where its route keeps them") {
  CHECK(route_of("  - { path: /q/%2F, paths: { encoded_slashes: keep }, upstream: app }\n").path == "/q/%2F");
  CHECK(route_of("  - { path: /a//b, paths: { merge_slashes: false }, upstream: app }\n").path == "/a//b");
}
