#include "config/keys.hpp"

#include <algorithm>
#include <array>

namespace weir::config {

namespace {

// The backends of all systems; the restriction table says which exist on one.
constexpr std::string_view backends[] = {"auto", "epoll", "io_uring", "kqueue", "poll", "select", "iocp"};
constexpr std::string_view encoded_slashes[] = {"refuse", "keep"};

// Rows of the table, by the kind of their value.
constexpr Key duration(std::string_view name, Member member, std::string_view fallback, std::string_view doc) {
  return {.name = name, .type = Type::duration, .fallback = fallback, .doc = doc, .member = member};
}
constexpr Key timeout_of_routes(std::string_view name, Member member, std::string_view fallback, std::string_view doc) {
  Key key = duration(name, member, fallback, doc);
  key.per_route = true;
  return key;
}
constexpr Key flag(std::string_view name, Member member, std::string_view fallback, std::string_view doc) {
  return {.name = name, .type = Type::boolean, .fallback = fallback, .doc = doc, .member = member};
}
constexpr Key number(std::string_view name, Member member, std::string_view fallback, std::uint64_t low,
                     std::uint64_t high, std::string_view doc, Type type = Type::integer) {
  return {.name = name, .type = type, .fallback = fallback, .doc = doc, .low = low, .high = high, .member = member};
}
constexpr Key choice(std::string_view name, std::span<const std::string_view> choices, std::string_view fallback,
                     std::string_view doc) {
  return {.name = name, .type = Type::choice, .fallback = fallback, .doc = doc, .choices = choices};
}
constexpr Key section(std::string_view name, const Object& object, std::string_view doc, Type type = Type::object) {
  return {.name = name, .type = type, .doc = doc, .object = &object};
}
constexpr std::monostate by_hand{};

constexpr Key shutdown_keys[] = {
    duration("timeout", &proxy::Shutdown::timeout, "30s",
             "How long requests in flight may take after a stop is requested."),
    duration("idle", &proxy::Shutdown::idle, "1s", "How long an idle client connection may still send one request."),
    duration("tunnels", &proxy::Shutdown::tunnels, "10s",
             "How long tunnels (WebSocket, CONNECT) may stay open, at most `timeout`."),
};
constexpr Key runtime_keys[] = {
    number("workers", by_hand, "auto", 1, 1024, "Number of worker threads; `auto` is one per processor.",
           Type::workers),
    choice("backend", backends, "auto", "Event mechanism; `auto` selects the best one that works here."),
    {"buffer_size", Type::size, "32KiB", "Size of a buffer, from 8KiB to 1MiB. A head must fit into one."},
    number("max_scripts", &proxy::Runtime::max_scripts, "16", 1, 1000,
           "How many health check scripts may run at a time; the others wait."),
    {"control", Type::text, "auto",
     "The control socket, where `weir status`, `stop`, `reload` and their like reach this process: `auto`, `off`, or "
     "`unix:/run/weir/a.sock`, on Windows `'\\\\.\\pipe\\a'`. Only its user and root may connect."},
    flag("watch", &proxy::Runtime::watch, "false",
         "Reload when the configuration file has changed, once it has stayed the same for a second."),
    section("shutdown", keys::shutdown, "How weir stops."),
};
constexpr Key limits_keys[] = {
    {"request_line", Type::size, "8KiB", "Maximum length of the request line; a longer one is answered with 414."},
    {"header_line", Type::size, "8KiB", "Maximum length of a header line; a longer one is answered with 431."},
    {"head", Type::size, "16KiB",
     "Maximum size of a head; a larger one is answered with 431. At most `runtime.buffer_size` minus 4KiB."},
    number("header_count", by_hand, "100", 1, 128, "Maximum number of header lines; more are answered with 431."),
    {"trailers", Type::size, "4KiB", "Maximum size of the trailer section of a chunked body."},
};
constexpr Key forwarding_keys[] = {
    flag("x_forwarded", &proxy::Forwarding::x_forwarded, "true",
         "Add X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host."),
    flag("forwarded", &proxy::Forwarding::forwarded, "true", "Add Forwarded (RFC 7239)."),
    flag("via", &proxy::Forwarding::via, "true", "Add Via: 1.1 weir to answers."),
    flag("via_upstream", &proxy::Forwarding::via_upstream, "false",
         "Add Via: 1.1 weir to requests. Off by default, since nginx origins do not compress answers to requests that have it."),
    flag("request_id", &proxy::Forwarding::request_id, "true",
         "Send X-Request-ID to the upstream and echo it to the client."),
    {"trusted_proxies", Type::texts, "[]",
     "Addresses and blocks of trusted proxies in front of weir, such as `10.0.0.0/8`. Forwarding headers from them are "
     "kept and appended to; those from any other address are replaced."},
};
constexpr Key timeouts_keys[] = {
    duration("head", &proxy::Timeouts::head, "10s",
             "From the first byte of a request to the end of its head; then 408."),
    duration("keep_alive", &proxy::Timeouts::keep_alive, "75s", "How long a client connection may be idle between "
                                                                "requests."),
    timeout_of_routes("connect", &proxy::Timeouts::connect, "5s",
                      "Connecting to an endpoint; then the next one is tried, or 504 if none is left."),
    timeout_of_routes("first_byte", &proxy::Timeouts::first_byte, "60s",
                      "From the last byte of the request to the response head; then 504."),
    timeout_of_routes("idle", &proxy::Timeouts::idle, "60s",
                      "Between two reads or writes while a body is relayed, in either direction."),
    timeout_of_routes("total", &proxy::Timeouts::total, "0s",
                      "The whole exchange. Off by default, so that a slow transfer is not cut."),
    timeout_of_routes("tunnel", &proxy::Timeouts::tunnel, "1h", "How long a tunnel (WebSocket, CONNECT) may be idle."),
    duration("half_closed", &proxy::Timeouts::half_closed, "10s",
             "How long a client that has closed its sending side (`nc -N`) may wait for its answer."),
    duration("linger", &proxy::Timeouts::linger, "30s",
             "After an early answer (413), how long the rest of the request is read and discarded, so that the client "
             "sees the answer."),
    duration("linger_idle", &proxy::Timeouts::linger_idle, "5s", "The same, while the client sends nothing."),
};
// The keys of `timeouts` that a route may override.
constexpr auto route_timeout_keys = [] {
  constexpr auto per_route = [](const Key& key) { return key.per_route; };
  std::array<Key, std::count_if(std::begin(timeouts_keys), std::end(timeouts_keys), per_route)> rows{};
  std::copy_if(std::begin(timeouts_keys), std::end(timeouts_keys), rows.begin(), per_route);
  for (Key& row : rows) {
    row.fallback = {};
    row.doc = "Overrides the key of that name in `timeouts`.";
  }
  return rows;
}();
constexpr Key paths_keys[] = {
    flag("merge_slashes", &proxy::PathRules::merge_slashes, "true",
         "`//` in a path becomes `/`, for matching and forwarding alike. Object stores may need `false`."),
    choice("encoded_slashes", encoded_slashes, "refuse",
           "`%2F` in a path: `refuse` answers with 400, `keep` leaves it as it is (`/@scope%2Fpkg`)."),
};
constexpr Key access_log_keys[] = {
    {"format", Type::text, "combined",
     "Format of the lines, one per request: `combined` (NCSA), `json`, `terminal` (for reading), or a template: "
     "`\"${time} ${status} ${end} ${endpoint}\"`. docs/access-log.md lists them."},
    {"path", Type::text, "stdout",
     "A file, `stdout` or `stderr`. A relative path is relative to the directory of this configuration file."},
};
constexpr Key listener_keys[] = {
    {"bind", Type::texts, "",
     "Required. One address or a list: `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/weir.sock`, on Windows "
     "`'\\\\.\\pipe\\weir'`. `:8080` means every address of both families, `0.0.0.0:8080` every IPv4 address, "
     "`[::]:8080` "
     "every IPv6 address."},
    {"upstream", Type::text, "",
     "The upstream for requests that no route matches. Without it such requests are answered with 404."},
    number("max_connections", &proxy::ListenerSpec::max_connections, "0", 0, 10'000'000,
           "Maximum number of client connections; 0 means that only the descriptor limit of the process applies."),
    flag("redirect_to_https", &proxy::ListenerSpec::redirect_to_https, "false",
         "Redirect to https on the same host, unless a route that names this listener matches."),
    {"unix_mode", Type::text, "", "Permissions of unix sockets, in octal and in quotes: `\"0660\"`."},
    section("response_headers", keys::header_edit,
            "Header changes for every answer of this listener, including weir's own; applied before those of the "
            "route."),
};
constexpr Key header_edit_keys[] = {
    {"remove", Type::texts, "[]", "Names of headers to remove. Removing comes first, then `set`, then `add`."},
    {"set", Type::text_map, "{}",
     "Headers to set; every line of that name is replaced. Values may use request variables."},
    {"add", Type::text_lists_map, "{}", "Headers to add to those present; a list adds several lines."},
};
constexpr Key response_headers_keys[] = {
    header_edit_keys[0],
    header_edit_keys[1],
    header_edit_keys[2],
    flag("own_answers", &proxy::RouteSpec::edit_own_answers, "true",
         "Also apply to weir's own answers, such as 502."),
};
constexpr Key rewrite_keys[] = {
    {"prefix", Type::text, "",
     "Replaces the matched prefix of the path. The route's `path` must be a prefix. May use request variables."},
    {"path", Type::text, "", "Replaces the whole path; the query is kept. May use request variables."},
    {"host", Type::text, "", "Replaces the Host that the upstream sees. May use request variables."},
};
constexpr Key respond_keys[] = {
    number("status", by_hand, "200", 200, 599, "Status of the answer."),
    {"body", Type::text, "", "Body of the answer; `!file page.html` reads it from a file."},
    {"content_type", Type::text, "text/plain; charset=utf-8", "Content-Type of the body."},
    {"headers", Type::text_lists_map, "{}", "Additional headers of the answer."},
};
constexpr Key redirect_keys[] = {
    {"location", Type::text, "",
     "Required. May use request variables; `${host}` has no port, `${host_port}` includes the requested port."},
    number("status", by_hand, "308", 301, 308, "301, 302, 303, 307 or 308."),
};
constexpr Key route_keys[] = {
    {"name", Type::text, "", "Name in logs; defaults to the number of the route."},
    {"host", Type::texts, "",
     "One host or a list: `app.example.com`, `\"*.example.com\"`. Without it the route matches any host."},
    {"path", Type::text, "/",
     "A prefix of whole segments: `/api` matches /api and /api/users, not /apis. `=/api` matches that path only."},
    {"methods", Type::texts, "", "One method or a list: `[GET, HEAD]`. Without it the route matches any method."},
    {"headers", Type::matches, "{}",
     "Headers a request must have: `X-Env: beta`, or `X-Env: true` for any value."},
    {"listeners", Type::texts, "", "One listener or a list. Without it the route applies to all listeners."},
    {"upstream", Type::text, "", "Action: forward the request to this upstream."},
    section("respond", keys::respond, "Action: answer the request."),
    section("redirect", keys::redirect, "Action: redirect."),
    section("rewrite", keys::rewrite, "Changes the path and host that the upstream sees."),
    section("request_headers", keys::header_edit, "Header changes for requests to the upstream."),
    section("response_headers", keys::response_headers, "Header changes for answers to the client."),
    section("paths", keys::paths, "Overrides the top-level `paths` for requests of this route."),
    section("timeout", keys::route_timeout, "Timeouts of this route."),
    {"max_body", Type::size, "0", "Maximum size of a request body; a larger one is answered with 413. 0 means no "
                                  "limit."},
    flag("allow_connect", &proxy::RouteSpec::allow_connect, "false", "Forward CONNECT, and relay the tunnel."),
    flag("allow_upgrade", &proxy::RouteSpec::allow_upgrade, "true", "Forward Upgrade (WebSocket), and relay the "
                                                                    "tunnel."),
    flag("allow_trace", &proxy::RouteSpec::allow_trace, "false",
         "Forward TRACE, without credentials; otherwise it is answered with 405."),
};
constexpr Key endpoint_keys[] = {
    {"address", Type::text, "",
     "Required. `127.0.0.1:3000`, `[::1]:3000`, `app.internal:3000`, `unix:/run/app.sock`, or on Windows "
     "`'\\\\.\\pipe\\app'`."},
    number("weight", &proxy::EndpointSpec::weight, "1", 0, 1000, "Share of the requests; 0 gets no new ones."),
};
constexpr Key upstream_keys[] = {
    section("endpoints", keys::endpoint, "Required. The servers that share the requests, in weighted round robin.",
            Type::list_of),
    number("max_idle", &proxy::UpstreamSpec::max_idle, "256", 0, 1'000'000,
           "Maximum number of idle connections per endpoint and worker."),
    duration("idle_timeout", &proxy::UpstreamSpec::idle_timeout, "60s", "How long an idle connection is kept."),
    section("health_check", keys::health_check,
            "Probes each endpoint periodically; one that is down gets no requests."),
};
constexpr Key health_check_keys[] = {
    {"tcp", Type::boolean, "", "`true`: passes if the endpoint accepts a connection."},
    {"http", Type::text, "", "A path, such as `/healthz`: passes if GET is answered with a status listed in `expect`."},
    {"host", Type::text, "", "Host of an `http` check; defaults to the endpoint as written."},
    {"headers", Type::text_map, "{}", "Additional headers of an `http` check."},
    {"expect", Type::texts, "\"200-399\"", "Statuses that pass an `http` check: `[200, \"300-399\"]`."},
    {"script", Type::texts, "",
     "A program and its arguments, run without a shell: passes if it exits with code 0. A name without a separator is "
     "looked up in PATH; a relative path is relative to the directory of this file."},
    {"interval", Type::duration, "5s", "From the start of one check to the start of the next; at least 10ms."},
    {"timeout", Type::duration, "2s",
     "How long one check may take, at most `interval`; defaults to `interval` if that is shorter than 2s."},
    number("rise", &proxy::HealthCheckSpec::rise, "2", 1, 1000,
           "Consecutive passes after which an endpoint that was down is up."),
    number("fall", &proxy::HealthCheckSpec::fall, "3", 1, 1000,
           "Consecutive failures after which an endpoint that was up is down. The very first check alone sets the "
           "state."),
};
constexpr Key platform_keys[] = {
    section("linux", keys::file, "On Linux."),     section("macos", keys::file, "On macOS."),
    section("freebsd", keys::file, "On FreeBSD."), section("openbsd", keys::file, "On OpenBSD."),
    section("netbsd", keys::file, "On NetBSD."),   section("windows", keys::file, "On Windows."),
};
constexpr Key file_keys[] = {
    section("runtime", keys::runtime, "Threads, event mechanism, buffers, shutdown."),
    section("limits", keys::limits, "Maximum sizes of the head of a request or response."),
    section("timeouts", keys::timeouts, "Deadlines for the phases of an exchange; 0 disables one."),
    section("paths", keys::paths, "How the paths of requests are normalised."),
    section("forwarding", keys::forwarding, "Forwarding headers, and the proxies trusted to send them."),
    section("access_log", keys::access_log, "One line per request. Without this key there is no access log."),
    {"server_name", Type::text, "weir", "Server header of weir's own answers; `\"\"` for none."},
    {"include", Type::texts, "",
     "More files to read: `conf.d/*.yaml`, or a list. Maps are merged by key, routes are appended, and a name that is "
     "defined twice is an error."},
    section("listeners", keys::listener, "Where clients connect.", Type::map_of),
    section("routes", keys::route,
            "What happens to requests. The most specific route wins: exact host before `*.` host before any host; "
            "exact "
            "path before the longest prefix; then method, number of headers, order in the file.",
            Type::list_of),
    section("upstreams", keys::upstream, "Where requests go.", Type::map_of),
    section("platform", keys::platform, "Overrides for single operating systems."),
};

}  // namespace

namespace keys {

constexpr Object file{"file", "The top level of the file.", file_keys};
constexpr Object runtime{"runtime", "", runtime_keys};
constexpr Object shutdown{"shutdown", "", shutdown_keys};
constexpr Object limits{"limits", "", limits_keys};
constexpr Object forwarding{"forwarding", "", forwarding_keys};
constexpr Object timeouts{"timeouts", "", timeouts_keys};
constexpr Object route_timeout{"timeout", "", route_timeout_keys};
constexpr Object paths{"paths", "What is matched is what is forwarded: see docs/routing.md.", paths_keys};
constexpr Object access_log{"access_log", "", access_log_keys, ShortForm::text,
                            "`access_log: json` is `access_log: { format: json }`."};
constexpr Object listener{"listener", "", listener_keys, ShortForm::texts,
                          "`web: \":8080\"` is `web: { bind: \":8080\" }`."};
constexpr Object route{"route", "Exactly one of `upstream`, `respond` and `redirect`.", route_keys};
constexpr Object respond{"respond", "", respond_keys, ShortForm::status_or_text,
                         "`respond: 204` is a status without a body, `respond: \"text\"` is a body with status 200."};
constexpr Object redirect{"redirect", "", redirect_keys, ShortForm::text,
                          "`redirect: \"https://${host}${uri}\"` is `redirect: { location: ... }`."};
constexpr Object rewrite{"rewrite", "At most one of `prefix` and `path`.", rewrite_keys};
constexpr Object header_edit{"headers", "Used by `request_headers`, and by `response_headers` of a listener.",
                             header_edit_keys};
constexpr Object response_headers{"response_headers", "Of a route.", response_headers_keys};
constexpr Object upstream{"upstream", "", upstream_keys, ShortForm::texts,
                          "`app: [\"10.0.0.1:3000\"]` is `app: { endpoints: [\"10.0.0.1:3000\"] }`."};
constexpr Object platform{"platform",
                          "Overrides for one operating system, merged before the file is interpreted: maps are merged "
                          "key "
                          "by key, a string or a list replaces the previous value, a key without a value (`~`) "
                          "removes it. "
                          "`weir check --target windows` checks the result for Windows.",
                          platform_keys};
constexpr Object health_check{"health_check", "Exactly one of `tcp`, `http` and `script`. See docs/health-checks.md.",
                              health_check_keys};
constexpr Object endpoint{"endpoint", "", endpoint_keys, ShortForm::text,
                          "`\"10.0.0.1:3000\"` is `{ address: \"10.0.0.1:3000\" }`."};

}  // namespace keys

std::span<const Object* const> all_objects() noexcept {
  static constexpr std::array all = {
      &keys::file,       &keys::runtime,       &keys::shutdown, &keys::limits,      &keys::timeouts,
      &keys::paths,      &keys::forwarding,    &keys::access_log, &keys::listener,  &keys::route,
      &keys::respond,    &keys::redirect,      &keys::rewrite,  &keys::header_edit, &keys::response_headers,
      &keys::route_timeout, &keys::upstream,   &keys::endpoint, &keys::health_check, &keys::platform};
  return all;
}

const Key* find_key(const Object& object, std::string_view name) noexcept {
  const auto found = std::find_if(object.keys.begin(), object.keys.end(), [&](const Key& k) { return k.name == name; });
  return found == object.keys.end() ? nullptr : &*found;
}

}  // namespace weir::config
