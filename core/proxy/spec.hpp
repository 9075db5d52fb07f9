#pragma once
// What weir is asked to be: plain values, filled by config/ (or the command line) and compiled by the engine into an
// immutable snapshot. No behaviour but sums, no YAML, no operating system. Views in Address fields point into the strings of the
// same Spec, so a Spec is built once behind a shared_ptr<const Spec> and never moved after that.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/time.hpp"
#include "core/http/limits.hpp"
#include "core/http/uri.hpp"

namespace weir::proxy {

using namespace std::chrono_literals;

// A place in a configuration file, for messages: "weir.yaml:12:5".
struct Origin {
  std::string file;
  int line = 0;    // 1-based; 0: not from a file
  int column = 0;
  bool operator==(const Origin&) const noexcept { return true; }  // what is asked for is the same wherever it stands
};

// Adds or removes header lines, in this order: remove, set, add. A set replaces every line of that name. Values are
// templates (core/proxy/template.hpp), Expansion::field_value.
struct HeaderEdit {
  struct Line {
    std::string name, value;
    bool operator==(const Line&) const = default;
  };
  std::vector<std::string> remove;
  std::vector<Line> set;
  std::vector<Line> add;
  bool empty() const noexcept { return remove.empty() && set.empty() && add.empty(); }
  bool operator==(const HeaderEdit&) const = default;
};

// Deadlines of the phases of an exchange. 0 switches one off.
struct Timeouts {
  Duration head = 10s;         // from the first byte of a request to the end of its head: 408
  Duration keep_alive = 75s;   // an idle client connection between requests
  Duration connect = 5s;       // to an endpoint: 504 when no endpoint is left
  Duration first_byte = 60s;   // from the request's last byte to the response head: 504
  Duration idle = 60s;         // between two reads or writes of a body, either direction
  Duration total = 0s;         // of the whole exchange; 0: none, so that an honest slow transfer is not cut
  Duration tunnel = 3600s;     // an idle tunnel (WebSocket, CONNECT)
  Duration half_closed = 10s;  // how long a client that has closed its sending side is still owed an answer
  Duration linger = 30s;       // behind an early answer: how long what the client still sends is read and dropped
  Duration linger_idle = 5s;   // the same, without a byte of it
  bool operator==(const Timeouts&) const = default;
};

// How the paths of requests are brought into the one form that is matched and forwarded.
using http::PathRules;

struct ListenerSpec {
  std::string name;
  std::vector<std::string> bind_texts;  // as written: ":8080", "[::]:80", "unix:/run/weir.sock"; addresses view into it
  std::vector<Address> bind;            // one for each text
  // For each text whether it is the IPv6 half of a ":8080" or "localhost:8080" whose IPv4 half stands before it: it is
  // left out where the system has no IPv6, and takes the port that the system chose for the other.
  std::vector<bool> second_family;
  std::string upstream;                 // default route, may be empty
  std::uint32_t max_connections = 0;    // 0: what the descriptor limit allows
  std::uint16_t unix_mode = 0;          // permissions of unix sockets
  bool redirect_to_https = false;
  HeaderEdit response_headers;          // of every answer, weir's own included; the route's come after it
  Origin origin;
  bool operator==(const ListenerSpec&) const = default;
};

// Built-in answer.
struct Respond {
  std::uint16_t status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  HeaderEdit headers;
  bool operator==(const Respond&) const = default;
};

// A redirect.
struct Redirect {
  std::uint16_t status = 308;
  std::string location;  // a template, Expansion::location
  bool operator==(const Redirect&) const = default;
};

// Replaces the matched prefix, or the whole path. Each is a template, Expansion::path and Expansion::host.
struct Rewrite {
  std::optional<std::string> prefix;
  std::optional<std::string> path;
  std::optional<std::string> host;
  bool operator==(const Rewrite&) const = default;
};

struct HeaderMatch {
  std::string name;
  std::optional<std::string> value;  // exact; absent: the field is there
  bool operator==(const HeaderMatch&) const = default;
};

enum class PathMatch : std::uint8_t { prefix, exact };

struct RouteSpec {
  std::string name;                  // for logs: given, or "route 3"
  std::vector<std::string> hosts;    // lower case; exact, "*.example.com", or empty for any host
  PathMatch path_match = PathMatch::prefix;
  std::string path = "/";            // normalised. A prefix matches whole segments: /a matches /a and /a/b, not /ab
  std::vector<std::string> methods;  // empty: any
  std::vector<HeaderMatch> headers;
  std::vector<std::string> listeners;  // names; empty: all

  // Exactly one action.
  std::string upstream;
  std::optional<Respond> respond;
  std::optional<Redirect> redirect;
  bool handled = false;              // by ServerOptions::handler, inside this process; no key sets it

  Rewrite rewrite;
  HeaderEdit request_headers;
  HeaderEdit response_headers;
  bool edit_own_answers = true;      // response_headers also apply to answers that weir makes itself, such as a 502
  PathRules paths;
  Timeouts timeout;
  std::uint64_t max_body = 0;        // bytes of a request body, more is answered 413; 0: no limit
  bool allow_connect = false;        // CONNECT is passed on and tunnelled
  bool allow_upgrade = true;         // Upgrade (WebSocket) is passed on and tunnelled
  bool allow_trace = false;          // TRACE is passed on, without credentials; else 405
  Origin origin;
  bool operator==(const RouteSpec&) const = default;
};

struct EndpointSpec {
  std::string text;                  // as written: "127.0.0.1:3001", "localhost:3000", "unix:/run/app.sock"
  std::vector<Address> addresses;    // one for an address; those of a host name once it is resolved
  std::uint32_t weight = 1;          // 0: gets no new requests
  Origin origin;
  bool operator==(const EndpointSpec&) const = default;
};

// How it is found out whether an endpoint can take requests. Each endpoint is checked by itself, once per process.
struct HealthCheckSpec {
  enum class Kind : std::uint8_t {
    tcp,     // a connection is accepted
    http,    // GET `path` is answered with an expected status
    script,  // the program ends with code 0
  };
  Kind kind = Kind::tcp;
  struct Statuses {
    std::uint16_t first, last;
    bool operator==(const Statuses&) const = default;
  };
  std::string path;                  // http
  std::string host;                  // http: the Host field; empty: the endpoint as written
  std::vector<HeaderEdit::Line> headers;  // http: sent as they are
  std::vector<Statuses> expect;      // http: those that pass; empty: 200 to 399
  std::vector<std::string> script;   // argv, no shell; a program without a separator is looked up in PATH
  Duration interval = 5s;            // from the start of one check to the start of the next
  Duration timeout = 2s;             // of one check; at most the interval
  std::uint32_t rise = 2;            // checks in a row that must pass until an endpoint that was down is up
  std::uint32_t fall = 3;            // and that must fail until one that was up is down
  bool operator==(const HealthCheckSpec&) const = default;
};

struct UpstreamSpec {
  std::string name;
  std::vector<EndpointSpec> endpoints;
  std::optional<HealthCheckSpec> health_check;
  std::uint32_t max_idle = 256;      // kept-alive connections per endpoint and worker
  Duration idle_timeout = 60s;       // how long one is kept
  Origin origin;
  bool operator==(const UpstreamSpec&) const = default;
};

// Which forwarding headers are added, and whose incoming ones are believed.
struct Forwarding {
  bool x_forwarded = true;           // X-Forwarded-For, -Proto, -Host
  bool forwarded = true;             // Forwarded (RFC 7239)
  bool via = true;                   // Via: 1.1 weir to clients (RFC 9110 section 7.6.3)
  bool via_upstream = false;         // and to upstreams; nginx does not compress where it comes
  bool request_id = true;            // X-Request-ID to the upstream, and echoed to the client
  std::vector<AddressBlock> trusted_proxies;
  bool operator==(const Forwarding&) const = default;
};

enum class LogFormat : std::uint8_t {
  combined,
  json,
  terminal,  // for people: time, method, path, status, duration, target, reason; coloured on a terminal
  line,      // by AccessLogSpec::line
};
// What a line of LogFormat::line may hold, beside ${header.NAME} of the request. Named as in the JSON format.
inline constexpr std::array<std::string_view, 27> access_log_fields = {
    "time",     "client",   "client_port", "user",       "listener",   "route",         "upstream", "endpoint",
    "method",   "target",   "host",        "protocol",   "status",     "bytes_in",      "bytes_out", "head_ms",
    "connect_ms", "first_byte_ms", "total_ms", "attempts", "reused",   "end",           "word",     "request_id",
    "request_line", "failed_ms", "time_local"};
struct AccessLogSpec {
  bool enabled = false;
  LogFormat format = LogFormat::combined;
  std::string line;                  // with LogFormat::line: a template of the names in access_log_fields
  std::string path;                  // empty or "stdout": standard output; "stderr"
  bool operator==(const AccessLogSpec&) const = default;
};

struct Shutdown {
  Duration timeout = 30s;            // requests in flight may take this long
  Duration idle = 1s;                // an idle keep-alive connection may still send one request for this long
  Duration tunnels = 10s;            // tunnels may stay this long, at most `timeout`
  bool operator==(const Shutdown&) const = default;
};

struct Runtime {
  std::uint32_t workers = 0;         // 0: auto, one per processor
  std::string backend = "auto";
  std::size_t buffer_size = 32 * 1024;   // bytes
  std::uint32_t max_scripts = 16;        // of health checks, running at a time
  std::string control = "auto";          // the control socket: auto, off, or an address of its own: "unix:/path"
  bool watch = false;                    // reload when the configuration file changes
  Shutdown shutdown;
};

struct Spec {
  Runtime runtime;
  Timeouts timeouts;                     // those of the client's side; routes start from it
  PathRules paths;                       // routes start from it
  http::Limits limits;
  Forwarding forwarding;
  AccessLogSpec access_log;
  std::vector<ListenerSpec> listeners;   // in file order
  std::vector<RouteSpec> routes;         // in file order
  std::vector<UpstreamSpec> upstreams;
  std::string server_name = "weir";      // Server field of weir's own answers; empty: none
};

// What health checks have open at a time at most: a connection for each endpoint, and of each script that runs the
// process and its output.
inline std::size_t sockets_of_checks(const Spec& spec) noexcept {
  std::size_t sockets = 0;
  for (const UpstreamSpec& upstream : spec.upstreams) {
    const bool connects = upstream.health_check && upstream.health_check->kind != HealthCheckSpec::Kind::script;
    if (connects) sockets += upstream.endpoints.size();
  }
  return sockets;
}
inline std::size_t descriptors_of_scripts(const Spec& spec) noexcept {
  std::size_t scripts = 0;
  for (const UpstreamSpec& upstream : spec.upstreams) {
    const bool runs = upstream.health_check && upstream.health_check->kind == HealthCheckSpec::Kind::script;
    if (runs) scripts += upstream.endpoints.size();
  }
  return 2 * (scripts < spec.runtime.max_scripts ? scripts : spec.runtime.max_scripts);
}

}  // namespace weir::proxy
