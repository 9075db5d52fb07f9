#include "config/keys.hpp"

#include <algorithm>
#include <array>

namespace weir::config {

namespace {

// Every one there is on some system: which exist here is the restriction table's to say.
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
             "How long requests in flight may take once a stop was asked for."),
    duration("idle", &proxy::Shutdown::idle, "1s", "How long an idle client connection may still send one request."),
    duration("tunnels", &proxy::Shutdown::tunnels, "10s",
             "How long tunnels (WebSocket, CONNECT) may stay, at most `timeout`."),
};
constexpr Key runtime_keys[] = {
    number("workers", by_hand, "auto", 1, 1024, "Threads that serve requests; `auto` is one for each processor.",
           Type::workers),
    choice("backend", backends, "auto", "The event mechanism; `auto` takes the best one that works here."),
    {"buffer_size", Type::size, "32KiB", "Bytes of one buffer, from 8KiB to 1MiB. A head must fit into it."},
    number("max_scripts", &proxy::Runtime::max_scripts, "16", 1, 1000,
           "Scripts of health checks that run at a time; others wait for their turn."),
    section("shutdown", keys::shutdown, "How a stop proceeds."),
};
constexpr Key limits_keys[] = {
    {"request_line", Type::size, "8KiB", "Longest request line; a longer one is answered 414."},
    {"header_line", Type::size, "8KiB", "Longest header line; a longer one is answered 431."},
    {"head", Type::size, "16KiB",
     "All lines of a head together; more is answered 431. At most `runtime.buffer_size` less 4KiB."},
    number("header_count", by_hand, "100", 1, 128, "Header lines of a head; more are answered 431."),
    {"trailers", Type::size, "4KiB", "Trailer section of a chunked body."},
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
     "Addresses and blocks of proxies in front of weir, such as `10.0.0.0/8`. Their forwarding headers are believed "
     "and appended to; those of everyone else are replaced."},
};
constexpr Key timeouts_keys[] = {
    duration("head", &proxy::Timeouts::head, "10s",
             "From the first byte of a request to the end of its head; then 408."),
    duration("keep_alive", &proxy::Timeouts::keep_alive, "75s", "An idle client connection between two requests."),
    timeout_of_routes("connect", &proxy::Timeouts::connect, "5s",
                      "Connecting to an endpoint; then 504 when none is left."),
    timeout_of_routes("first_byte", &proxy::Timeouts::first_byte, "60s",
                      "From the last byte of the request to the response head; then 504."),
    timeout_of_routes("idle", &proxy::Timeouts::idle, "60s",
                      "Between two reads or writes of a body, in either direction."),
    timeout_of_routes("total", &proxy::Timeouts::total, "0s",
                      "The whole exchange. Off by default, so that a slow transfer is not cut."),
    timeout_of_routes("tunnel", &proxy::Timeouts::tunnel, "1h", "An idle tunnel (WebSocket, CONNECT)."),
    duration("half_closed", &proxy::Timeouts::half_closed, "10s",
             "How long a client that has closed its sending side (`nc -N`) may wait for its answer."),
    duration("linger", &proxy::Timeouts::linger, "30s",
             "How long the rest of a request that was answered early (413) is read and dropped, so that the client "
             "sees the answer."),
    duration("linger_idle", &proxy::Timeouts::linger_idle, "5s", "The same, while the client sends nothing."),
};
// Those of `timeouts` that a route may have.
constexpr auto route_timeout_keys = [] {
  constexpr auto per_route = [](const Key& key) { return key.per_route; };
  std::array<Key, std::count_if(std::begin(timeouts_keys), std::end(timeouts_keys), per_route)> rows{};
  std::copy_if(std::begin(timeouts_keys), std::end(timeouts_keys), rows.begin(), per_route);
  for (Key& row : rows) {
    row.fallback = {};
    row.doc = "As in `timeouts`, which is the default.";
  }
  return rows;
}();
constexpr Key paths_keys[] = {
    flag("merge_slashes", &proxy::PathRules::merge_slashes, "true",
         "`//` in a path becomes `/`, for matching and forwarding alike. Object stores may need `false`."),
    choice("encoded_slashes", encoded_slashes, "refuse",
           "`%2F` in a path: `refuse` answers 400, `keep` leaves it in its segment (`/@scope%2Fpkg`)."),
};
constexpr Key access_log_keys[] = {
    {"format", Type::text, "combined",
     "One line a request: `combined` (NCSA), `json`, `terminal` (for people), or a text with variables: "
     "`\"${time} ${status} ${end} ${endpoint}\"`. docs/access-log.md lists them."},
    {"path", Type::text, "stdout",
     "A file, `stdout` or `stderr`. A relative path starts from the directory of the file that writes it."},
};
constexpr Key listener_keys[] = {
    {"bind", Type::texts, "",
     "Required. One address or a list: `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/weir.sock`, on Windows "
     "`'\\\\.\\pipe\\weir'`. `:8080` is every address of both families, `0.0.0.0:8080` every IPv4 and `[::]:8080` every "
     "IPv6 address."},
    {"upstream", Type::text, "",
     "Where a request goes that no route matches. Without it such a request is answered 404."},
    number("max_connections", &proxy::ListenerSpec::max_connections, "0", 0, 10'000'000,
           "Client connections at a time; 0 leaves it to the descriptor limit of the process."),
    flag("redirect_to_https", &proxy::ListenerSpec::redirect_to_https, "false",
         "Redirect to https on the same host, except where a route names this listener."),
    {"unix_mode", Type::text, "", "Permissions of unix sockets, in octal and in quotes: `\"0660\"`."},
    section("response_headers", keys::header_edit,
            "Changes headers of every answer of this listener, weir's own included. Those of the route come after it."),
};
constexpr Key header_edit_keys[] = {
    {"remove", Type::texts, "[]", "Names of headers to remove. Removing comes first, then `set`, then `add`."},
    {"set", Type::text_map, "{}",
     "Headers to set; every line of that name is replaced. Values may use variables of the request."},
    {"add", Type::text_lists_map, "{}", "Headers to add to what is there; a list adds several lines."},
};
constexpr Key response_headers_keys[] = {
    header_edit_keys[0],
    header_edit_keys[1],
    header_edit_keys[2],
    flag("own_answers", &proxy::RouteSpec::edit_own_answers, "true",
         "Also on answers that weir makes itself, such as 502."),
};
constexpr Key rewrite_keys[] = {
    {"prefix", Type::text, "",
     "Replaces the matched prefix of the path. Needs a prefix in `path`. May use variables of the request."},
    {"path", Type::text, "", "Replaces the whole path; the query stays. May use variables of the request."},
    {"host", Type::text, "", "Replaces the Host that the upstream sees. May use variables of the request."},
};
constexpr Key respond_keys[] = {
    number("status", by_hand, "200", 200, 599, "Status of the answer."),
    {"body", Type::text, "", "Body of the answer; `!file page.html` takes it from a file."},
    {"content_type", Type::text, "text/plain; charset=utf-8", "Content-Type of the body."},
    {"headers", Type::text_lists_map, "{}", "More headers of the answer."},
};
constexpr Key redirect_keys[] = {
    {"location", Type::text, "",
     "Required. May use variables of the request; `${host}` has no port, `${host_port}` has the one that was asked for."},
    number("status", by_hand, "308", 301, 308, "301, 302, 303, 307 or 308."),
};
constexpr Key route_keys[] = {
    {"name", Type::text, "", "Name in logs; the default is the number of the route."},
    {"host", Type::texts, "",
     "One host or a list: `app.example.com`, `\"*.example.com\"`. Without it the route is for any host."},
    {"path", Type::text, "/",
     "A prefix in whole segments: `/api` matches /api and /api/users, not /apis. `=/api` matches this path alone."},
    {"methods", Type::texts, "", "One method or a list: `[GET, HEAD]`. Without it any."},
    {"headers", Type::matches, "{}",
     "Headers a request must have: `X-Env: beta`, or `X-Env: true` when any value will do."},
    {"listeners", Type::texts, "", "One listener or a list. Without it the route is for all listeners."},
    {"upstream", Type::text, "", "Action: pass the request on to this upstream."},
    section("respond", keys::respond, "Action: answer at once."),
    section("redirect", keys::redirect, "Action: redirect."),
    section("rewrite", keys::rewrite, "What the upstream sees in place of path and host."),
    section("request_headers", keys::header_edit, "Changes headers on the way to the upstream."),
    section("response_headers", keys::response_headers, "Changes headers on the way to the client."),
    section("paths", keys::paths, "As `paths` at the top level, which is the default, for requests of this route."),
    section("timeout", keys::route_timeout, "Timeouts of this route."),
    {"max_body", Type::size, "0", "Longest request body; a longer one is answered 413. 0 is no limit."},
    flag("allow_connect", &proxy::RouteSpec::allow_connect, "false", "Pass CONNECT on and tunnel it."),
    flag("allow_upgrade", &proxy::RouteSpec::allow_upgrade, "true", "Pass Upgrade (WebSocket) on and tunnel it."),
    flag("allow_trace", &proxy::RouteSpec::allow_trace, "false",
         "Pass TRACE on, without credentials; otherwise it is answered 405."),
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
           "Idle connections kept for each endpoint and worker."),
    duration("idle_timeout", &proxy::UpstreamSpec::idle_timeout, "60s", "How long an idle connection is kept."),
    section("health_check", keys::health_check,
            "Asks each endpoint whether it is well; one that is down gets no requests."),
};
constexpr Key health_check_keys[] = {
    {"tcp", Type::boolean, "", "`true`: the endpoint accepts a connection."},
    {"http", Type::text, "", "A path, such as `/healthz`: GET of it is answered with a status of `expect`."},
    {"host", Type::text, "", "Host of an `http` check; the default is the endpoint as it is written."},
    {"headers", Type::text_map, "{}", "More headers of an `http` check."},
    {"expect", Type::texts, "\"200-399\"", "Statuses that pass an `http` check: `[200, \"300-399\"]`."},
    {"script", Type::texts, "",
     "A program and its arguments, run without a shell: it ends with code 0. A name without a separator is sought in "
     "PATH, a relative path starts from the directory of this file."},
    {"interval", Type::duration, "5s", "From the begin of one check to the begin of the next; at least 10ms."},
    {"timeout", Type::duration, "2s",
     "How long one check may take, at most its interval; the interval where that is shorter than 2s."},
    number("rise", &proxy::HealthCheckSpec::rise, "2", 1, 1000,
           "Checks in a row that must pass before an endpoint that was down is up."),
    number("fall", &proxy::HealthCheckSpec::fall, "3", 1, 1000,
           "Checks in a row that must fail before an endpoint that was up is down. The first check of all decides alone."),
};
constexpr Key platform_keys[] = {
    section("linux", keys::file, "On Linux."),     section("macos", keys::file, "On macOS."),
    section("freebsd", keys::file, "On FreeBSD."), section("openbsd", keys::file, "On OpenBSD."),
    section("netbsd", keys::file, "On NetBSD."),   section("windows", keys::file, "On Windows."),
};
constexpr Key file_keys[] = {
    section("runtime", keys::runtime, "Threads, event mechanism, buffers, stop."),
    section("limits", keys::limits, "What the head of a request or response may be at most."),
    section("timeouts", keys::timeouts, "Deadlines of the phases of an exchange; 0 switches one off."),
    section("paths", keys::paths, "How the paths of requests are brought into one form."),
    section("forwarding", keys::forwarding, "Forwarding headers, and whose are believed."),
    section("access_log", keys::access_log, "A line for each request. Without this key there is no access log."),
    {"server_name", Type::text, "weir", "Server header of weir's own answers; `\"\"` for none."},
    {"include", Type::texts, "",
     "Files to read as well: `conf.d/*.yaml`, or a list. Maps are merged by key, routes are appended, and a name that is "
     "given twice is an error."},
    section("listeners", keys::listener, "Where clients connect.", Type::map_of),
    section("routes", keys::route,
            "What happens to a request. The most specific route wins: exact host before `*.` host before any; exact "
            "path, then the longest prefix; then method, number of headers, order in the file.",
            Type::list_of),
    section("upstreams", keys::upstream, "Where requests go.", Type::map_of),
    section("platform", keys::platform, "What is different on one operating system."),
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
                         "`respond: 204` is a status without a body, `respond: \"text\"` a body with status 200."};
constexpr Object redirect{"redirect", "", redirect_keys, ShortForm::text,
                          "`redirect: \"https://${host}${uri}\"` is `redirect: { location: ... }`."};
constexpr Object rewrite{"rewrite", "Of `prefix` and `path` at most one.", rewrite_keys};
constexpr Object header_edit{"headers", "Used by `request_headers`, and by `response_headers` of a listener.",
                             header_edit_keys};
constexpr Object response_headers{"response_headers", "Of a route.", response_headers_keys};
constexpr Object upstream{"upstream", "", upstream_keys, ShortForm::texts,
                          "`app: [\"10.0.0.1:3000\"]` is `app: { endpoints: [\"10.0.0.1:3000\"] }`."};
constexpr Object platform{"platform",
                          "Overrides for one operating system, merged in before anything is read: maps are merged key by "
                          "key, a text or a list replaces what is there, a key without a value (`~`) removes it. "
                          "`weir check --target windows` judges what Windows would get.",
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
