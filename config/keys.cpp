#include "config/keys.hpp"

#include <algorithm>
#include <array>

namespace weir::config {

namespace {

// Every one there is on some system: which exist here is the restriction table's to say.
constexpr std::string_view backends[] = {"auto", "epoll", "io_uring", "kqueue", "poll", "select", "iocp"};
constexpr std::string_view log_formats[] = {"combined", "json"};

constexpr Key shutdown_keys[] = {
    {"timeout", Type::duration, "30s", "How long requests in flight may take once a stop was asked for."},
    {"idle", Type::duration, "1s", "How long an idle client connection may still send one request."},
};
constexpr Key runtime_keys[] = {
    {"workers",
     Type::workers,
     "auto",
     "Threads that serve requests; `auto` is one for each processor.",
     nullptr,
     {},
     1,
     1024},
    {"backend", Type::choice, "auto", "The event mechanism; `auto` takes the best one that works here.", nullptr,
     backends},
    {"buffer_size", Type::size, "32KiB", "Bytes of one buffer, from 8KiB to 1MiB. A head must fit into it."},
    {"max_scripts", Type::integer, "16", "Scripts of health checks that run at a time; others wait for their turn.",
     nullptr, {}, 1, 1000},
    {"shutdown", Type::object, "", "How a stop proceeds.", &keys::shutdown},
};
constexpr Key limits_keys[] = {
    {"request_line", Type::size, "8KiB", "Longest request line; a longer one is answered 414."},
    {"header_line", Type::size, "8KiB", "Longest header line; a longer one is answered 431."},
    {"head", Type::size, "16KiB",
     "All lines of a head together; more is answered 431. At most `runtime.buffer_size` less 4KiB."},
    {"header_count", Type::integer, "100", "Header lines of a head; more are answered 431.", nullptr, {}, 1, 128},
    {"trailers", Type::size, "4KiB", "Trailer section of a chunked body."},
};
constexpr Key forwarding_keys[] = {
    {"x_forwarded", Type::boolean, "true", "Add X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host."},
    {"forwarded", Type::boolean, "true", "Add Forwarded (RFC 7239)."},
    {"via", Type::boolean, "true", "Add Via: 1.1 weir to answers."},
    {"via_upstream", Type::boolean, "false",
     "Add Via: 1.1 weir to requests, too. Some servers, nginx among them, do not compress what they are asked for with it."},
    {"request_id", Type::boolean, "true", "Send X-Request-ID to the upstream and echo it to the client."},
    {"trusted_proxies", Type::texts, "[]",
     "Addresses and blocks of proxies in front of weir, such as `10.0.0.0/8`. Their forwarding headers are believed "
     "and "
     "appended to; those of everyone else are replaced."},
};
constexpr Key timeouts_keys[] = {
    {"head", Type::duration, "10s", "From the first byte of a request to the end of its head; then 408."},
    {"keep_alive", Type::duration, "75s", "An idle client connection between two requests."},
    {"connect", Type::duration, "5s", "Connecting to an endpoint; then 504 when none is left."},
    {"first_byte", Type::duration, "60s", "From the last byte of the request to the response head; then 504."},
    {"idle", Type::duration, "60s", "Between two reads or writes of a body, in either direction."},
    {"total", Type::duration, "0s", "The whole exchange. Off by default, so that a slow transfer is not cut."},
    {"tunnel", Type::duration, "1h", "An idle tunnel (WebSocket, CONNECT)."},
};
constexpr Key route_timeout_keys[] = {
    {"connect", Type::duration, "", "As in `timeouts`, which is the default."},
    {"first_byte", Type::duration, "", "As in `timeouts`."},
    {"idle", Type::duration, "", "As in `timeouts`."},
    {"total", Type::duration, "", "As in `timeouts`."},
    {"tunnel", Type::duration, "", "As in `timeouts`."},
};
constexpr Key access_log_keys[] = {
    {"format", Type::choice, "combined", "One line a request: the NCSA combined format, or a JSON object.", nullptr,
     log_formats},
    {"path", Type::text, "stdout", "A file, `stdout` or `stderr`."},
};
constexpr Key listener_keys[] = {
    {"bind", Type::texts, "",
     "Required. One address or a list: `:8080`, `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/weir.sock`, on Windows "
     "`'\\\\.\\pipe\\weir'`. `:8080` is every IPv4 address, `[::]:8080` every IPv6 address."},
    {"upstream", Type::text, "",
     "Where a request goes that no route matches. Without it such a request is answered 404."},
    {"max_connections",
     Type::integer,
     "0",
     "Client connections at a time; 0 leaves it to the descriptor limit of the process.",
     nullptr,
     {},
     0,
     10'000'000},
    {"redirect_to_https", Type::boolean, "false", "Redirect to https on the same host, except where a route names this listener."},
    {"unix_mode", Type::text, "", "Permissions of unix sockets, in octal and in quotes: `\"0660\"`."},
};
constexpr Key header_edit_keys[] = {
    {"remove", Type::texts, "[]", "Names of headers to remove. Removing comes first, then `set`, then `add`."},
    {"set", Type::text_map, "{}", "Headers to set; every line of that name is replaced."},
    {"add", Type::text_lists_map, "{}", "Headers to add to what is there; a list adds several lines."},
};
constexpr Key rewrite_keys[] = {
    {"prefix", Type::text, "", "Replaces the matched prefix of the path. Needs a prefix in `path`."},
    {"path", Type::text, "", "Replaces the whole path; the query stays."},
    {"host", Type::text, "", "Replaces the Host that the upstream sees."},
};
constexpr Key respond_keys[] = {
    {"status", Type::integer, "200", "Status of the answer.", nullptr, {}, 200, 599},
    {"body", Type::text, "", "Body of the answer; `!file page.html` takes it from a file."},
    {"content_type", Type::text, "text/plain; charset=utf-8", "Content-Type of the body."},
    {"headers", Type::text_lists_map, "{}", "More headers of the answer."},
};
constexpr Key redirect_keys[] = {
    {"location", Type::text, "",
     "Required. May use ${scheme}, ${host} (without a port), ${host_port}, ${path}, ${query} and ${uri} (path with query) of the "
     "request."},
    {"status", Type::integer, "308", "301, 302, 303, 307 or 308.", nullptr, {}, 301, 308},
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
    {"respond", Type::object, "", "Action: answer at once.", &keys::respond},
    {"redirect", Type::object, "", "Action: redirect.", &keys::redirect},
    {"rewrite", Type::object, "", "What the upstream sees in place of path and host.", &keys::rewrite},
    {"request_headers", Type::object, "", "Changes headers on the way to the upstream.", &keys::header_edit},
    {"response_headers", Type::object, "", "Changes headers on the way to the client.", &keys::header_edit},
    {"timeout", Type::object, "", "Timeouts of this route.", &keys::route_timeout},
    {"max_body", Type::size, "0", "Longest request body; a longer one is answered 413. 0 is no limit."},
    {"allow_connect", Type::boolean, "false", "Pass CONNECT on and tunnel it."},
    {"allow_upgrade", Type::boolean, "true", "Pass Upgrade (WebSocket) on and tunnel it."},
};
constexpr Key endpoint_keys[] = {
    {"address", Type::text, "",
     "Required. `127.0.0.1:3000`, `[::1]:3000`, `app.internal:3000`, `unix:/run/app.sock`, or on Windows "
     "`'\\\\.\\pipe\\app'`."},
    {"weight", Type::integer, "1", "Share of the requests; 0 gets no new ones.", nullptr, {}, 0, 1000},
};
constexpr Key upstream_keys[] = {
    {"endpoints", Type::list_of, "", "Required. The servers that share the requests, in weighted round robin.",
     &keys::endpoint},
    {"max_idle",
     Type::integer,
     "256",
     "Idle connections kept for each endpoint and worker.",
     nullptr,
     {},
     0,
     1'000'000},
    {"idle_timeout", Type::duration, "60s", "How long an idle connection is kept."},
    {"health_check", Type::object, "", "Asks each endpoint whether it is well; one that is down gets no requests.",
     &keys::health_check},
};
constexpr Key health_check_keys[] = {
    {"tcp", Type::boolean, "", "`true`: the endpoint accepts a connection."},
    {"http", Type::text, "", "A path, such as `/healthz`: GET of it is answered with a status from 200 to 399."},
    {"script", Type::texts, "",
     "A program and its arguments, run without a shell: it ends with code 0. A name without a separator is sought in "
     "PATH, a relative path starts from the directory of this file."},
    {"interval", Type::duration, "5s", "From the begin of one check to the begin of the next; at least 10ms."},
    {"timeout", Type::duration, "2s",
     "How long one check may take, at most its interval; the interval where that is shorter than 2s."},
    {"rise", Type::integer, "2", "Checks in a row that must pass before an endpoint that was down is up.", nullptr, {}, 1,
     1000},
    {"fall", Type::integer, "3",
     "Checks in a row that must fail before an endpoint that was up is down. The first check of all decides alone.",
     nullptr, {}, 1, 1000},
};
constexpr Key platform_keys[] = {
    {"linux", Type::object, "", "On Linux.", &keys::file},     {"macos", Type::object, "", "On macOS.", &keys::file},
    {"freebsd", Type::object, "", "On FreeBSD.", &keys::file}, {"openbsd", Type::object, "", "On OpenBSD.", &keys::file},
    {"netbsd", Type::object, "", "On NetBSD.", &keys::file},   {"windows", Type::object, "", "On Windows.", &keys::file},
};
constexpr Key file_keys[] = {
    {"runtime", Type::object, "", "Threads, event mechanism, buffers, stop.", &keys::runtime},
    {"limits", Type::object, "", "What the head of a request or response may be at most.", &keys::limits},
    {"timeouts", Type::object, "", "Deadlines of the phases of an exchange; 0 switches one off.", &keys::timeouts},
    {"forwarding", Type::object, "", "Forwarding headers, and whose are believed.", &keys::forwarding},
    {"access_log", Type::object, "", "A line for each request. Without this key there is no access log.",
     &keys::access_log},
    {"server_name", Type::text, "weir", "Server header of weir's own answers; `\"\"` for none."},
    {"include", Type::texts, "",
     "Files to read as well: `conf.d/*.yaml`, or a list. Maps are merged by key, routes are appended, and a name that "
     "is "
     "given twice is an error."},
    {"listeners", Type::map_of, "", "Where clients connect.", &keys::listener},
    {"routes", Type::list_of, "",
     "What happens to a request. The most specific route wins: exact host before `*.` host before any; exact path, "
     "then "
     "the longest prefix; then method, number of headers, order in the file.",
     &keys::route},
    {"upstreams", Type::map_of, "", "Where requests go.", &keys::upstream},
    {"platform", Type::object, "", "What is different on one operating system.", &keys::platform},
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
constexpr Object header_edit{"headers", "Used by `request_headers` and `response_headers`.", header_edit_keys};
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
  static constexpr std::array<const Object*, 18> all = {
      &keys::file,        &keys::runtime,       &keys::shutdown, &keys::limits,  &keys::timeouts, &keys::forwarding,
      &keys::access_log,  &keys::listener,      &keys::route,    &keys::respond, &keys::redirect, &keys::rewrite,
      &keys::header_edit, &keys::route_timeout, &keys::upstream, &keys::endpoint, &keys::health_check,
      &keys::platform};
  return all;
}

const Key* find_key(const Object& object, std::string_view name) noexcept {
  const auto found = std::find_if(object.keys.begin(), object.keys.end(), [&](const Key& k) { return k.name == name; });
  return found == object.keys.end() ? nullptr : &*found;
}

}  // namespace weir::config
