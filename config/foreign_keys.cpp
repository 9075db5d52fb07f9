#include "config/foreign_keys.hpp"

#include <algorithm>
#include <string>

namespace weir::config {

namespace {

constexpr ForeignKey table[] = {
    {"acl", "a condition is part of a route: host, path, methods, headers"},
    {"add_header", "use response_headers: { add: { NAME: value } } of a route or a listener"},
    {"allow", "weir cannot restrict clients by address"},
    {"api_key", "weir does not authenticate clients"},
    {"auth_basic", "weir does not authenticate clients"},
    {"auth_request", "weir cannot ask another server to authorise requests"},
    {"backend", "a backend is an upstream: upstreams: { app: [\"127.0.0.1:3000\"] }"},
    {"backends", "backends are upstreams: upstreams: { app: [\"127.0.0.1:3000\"] }"},
    {"backup", "weir has no backup servers; an endpoint with weight: 0 gets no requests"},
    {"balance", "weir only balances by weighted round robin; remove this key"},
    {"basic_auth", "weir does not authenticate clients"},
    {"basicauth", "weir does not authenticate clients"},
    {"brotli", "weir does not compress; it forwards bodies as the upstream sends them"},
    {"cache", "weir does not cache"},
    {"certificate",
     "weir does not support TLS: put it behind something that terminates TLS, and list that in "
     "forwarding.trusted_proxies"},
    {"client_body_timeout", "use timeouts: { idle: 60s }"},
    {"client_header_timeout", "use timeouts: { head: 10s }"},
    {"client_max_body_size", "set max_body: 10MiB on a route; the default is unlimited"},
    {"clusters", "clusters are upstreams: upstreams: { app: [\"127.0.0.1:3000\"] }"},
    {"cors", "write the headers in response_headers of the route; a respond: 204 route for OPTIONS answers preflights"},
    {"daemon", "weir always runs in the foreground, under a service manager if you use one; remove this key"},
    {"default_backend", "use the listener's upstream key: it gets the requests that no route matches"},
    {"defaults", "use the sections timeouts, limits and forwarding, which apply to the whole file"},
    {"deny", "weir cannot restrict clients by address"},
    {"enable", "a section is in effect if it is present; remove this key"},
    {"encode", "weir does not compress; it forwards bodies as the upstream sends them"},
    {"entryPoints", "an entry point is a listener: listeners: { web: \":8080\" }"},
    {"entrypoints", "an entry point is a listener: listeners: { web: \":8080\" }"},
    {"error_log", "weir logs to standard error; redirect that"},
    {"error_page", "weir does not support custom error pages; it sends errors as text, HTML or JSON"},
    {"events", "use runtime: { backend: epoll, workers: 4 }; the defaults suit most machines"},
    {"expires", "use response_headers: { set: { Cache-Control: max-age=3600 } } of a route"},
    {"fail_timeout", "use health_check of the upstream: interval and fall"},
    {"fastcgi_pass", "weir speaks HTTP/1.1 to upstreams, not FastCGI"},
    {"file_server", "weir serves no files; put an HTTP server behind it as an upstream"},
    {"filters", "use the keys of the route that change requests: rewrite, request_headers, response_headers"},
    {"frontend", "a frontend is a listener: listeners: { web: \":8080\" }"},
    {"global", "use runtime: for threads, buffers and shutdown"},
    {"grpc_pass", "weir speaks HTTP/1.1 to upstreams, not gRPC"},
    {"gzip", "weir does not compress; it forwards bodies as the upstream sends them"},
    {"gzip_types", "weir does not compress; it forwards bodies as the upstream sends them"},
    {"handle", "use a route: routes: [{ path: /api, upstream: app }]"},
    {"handle_path", "use a route with a rewrite: { path: /api, upstream: app, rewrite: { prefix: / } }"},
    {"hash", "weir only balances by weighted round robin; remove this key"},
    {"header", "use request_headers or response_headers of a route; a condition is headers: { X-Env: beta }"},
    {"header_down", "use response_headers of the route"},
    {"header_up", "use request_headers of the route"},
    {"health_uri", "use health_check: { http: /healthz } of the upstream"},
    {"healthcheck", "use health_check of an upstream: { http: /healthz }"},
    {"hosts", "use host, with one host or a list"},
    {"hsts", "use response_headers: { set: { Strict-Transport-Security: \"max-age=31536000\" } } of a listener"},
    {"http", "in weir the keys of http are at the top level: listeners, routes, upstreams"},
    {"http_port", "use a listener: listeners: { web: \":8080\" }"},
    {"https_port", "weir does not support TLS"},
    {"if", "weir has no conditions of that kind; a route has host, path, methods and headers"},
    {"index", "weir serves no files; put an HTTP server behind it as an upstream"},
    {"ip_hash", "weir only balances by weighted round robin; remove this key"},
    {"keepalive", "use max_idle of the upstream: idle connections per endpoint and worker"},
    {"keepalive_timeout", "use timeouts: { keep_alive: 75s }"},
    {"lb_policy", "weir only balances by weighted round robin; remove this key"},
    {"least_conn", "weir only balances by weighted round robin; remove this key"},
    {"limit_conn", "use max_connections of a listener; weir has no limit per client"},
    {"limit_rate", "weir does not support rate limits"},
    {"limit_req", "weir does not support rate limits"},
    {"listen", "use a listener: listeners: { web: \":8080\" }"},
    {"listener", "use listeners, a map: listeners: { web: \":8080\" }"},
    {"loadBalancer", "use an upstream: upstreams: { app: [\"127.0.0.1:3000\"] }"},
    {"location", "use a route: routes: [{ path: /api, upstream: app }]; =/api matches that path only"},
    {"log", "use access_log: { format: combined, path: access.log }"},
    {"log_format", "use access_log: { format: \"${time} ${status} ${end}\" }"},
    {"map", "weir has no maps of values; write a route for each case"},
    {"match", "conditions are keys of the route itself: host, path, methods, headers"},
    {"matcher", "conditions are keys of the route itself: host, path, methods, headers"},
    {"max_conns", "use max_connections of a listener; weir has no limit per endpoint"},
    {"max_fails", "use health_check of the upstream: fall is the number of consecutive failures"},
    {"maxconn", "use max_connections of a listener"},
    {"middlewares", "use the keys of the route that change requests: rewrite, request_headers, response_headers"},
    {"mode", "weir proxies HTTP; it does not pass TCP through"},
    {"nbthread", "use runtime: { workers: 4 }"},
    {"option", "weir has no options of that form; config/reference.md lists its keys"},
    {"pid", "weir does not write a PID file; --print-addresses and --ready-fd report its PID"},
    {"port", "the port is part of the address: listeners: { web: \":8080\" }"},
    {"prefix_match", "use path: /api, a prefix of whole segments"},
    {"priority", "the most specific route wins, regardless of the order; see docs/routing.md"},
    {"proxy", "use a route with upstream, and upstreams: { app: [\"127.0.0.1:3000\"] }"},
    {"proxy_buffering", "weir streams bodies without buffering them; remove this key"},
    {"proxy_cache", "weir does not cache"},
    {"proxy_connect_timeout", "use timeouts: { connect: 5s }, or timeout of a route"},
    {"proxy_http_version", "weir always uses HTTP/1.1 keep-alive connections to upstreams; remove this key"},
    {"proxy_next_upstream", "weir retries at the next endpoint automatically where that is safe; remove this key"},
    {"proxy_pass", "use a route with upstream: NAME, and upstreams: { NAME: [\"127.0.0.1:3000\"] }"},
    {"proxy_protocol", "weir does not support the PROXY protocol"},
    {"proxy_read_timeout", "use timeouts: { first_byte: 60s, idle: 60s }, or timeout of a route"},
    {"proxy_redirect", "weir does not rewrite Location of upstreams"},
    {"proxy_request_buffering", "weir streams bodies without buffering them; remove this key"},
    {"proxy_send_timeout", "use timeouts: { idle: 60s }, or timeout of a route"},
    {"proxy_set_header",
     "use request_headers: { set: { NAME: value } } of a route; weir sends X-Forwarded-For and similar headers "
     "automatically"},
    {"rate_limit", "weir does not support rate limits"},
    {"real_ip_header", "use forwarding: { trusted_proxies: [10.0.0.0/8] }"},
    {"retries", "weir retries at the next endpoint automatically where that is safe"},
    {"return", "use respond: 404 or redirect: \"https://${host}${uri}\" of a route"},
    {"reverse_proxy", "use a route with upstream: NAME, and upstreams: { NAME: [\"127.0.0.1:3000\"] }"},
    {"root", "weir serves no files; put an HTTP server behind it as an upstream"},
    {"route", "use routes, a list: routes: [{ path: /api, upstream: app }]"},
    {"routers", "routers are routes: routes: [{ host: app.example.com, upstream: app }]"},
    {"rule", "conditions are keys of the route itself: host, path, methods, headers"},
    {"send_timeout", "use timeouts: { idle: 60s }"},
    {"server", "a server to proxy to is an endpoint of an upstream; a server that listens is a listener with routes"},
    {"server_name", "use host of a route: routes: [{ host: app.example.com, upstream: app }]"},
    {"server_tokens",
     "use server_name: \"\" at the top level of the file: weir's own answers then have no Server header"},
    {"servers", "use the key endpoints of an upstream: upstreams: { app: [\"127.0.0.1:3000\"] }"},
    {"service", "use upstream: NAME"},
    {"services", "services are upstreams: upstreams: { app: [\"127.0.0.1:3000\"] }"},
    {"set_real_ip_from", "use forwarding: { trusted_proxies: [10.0.0.0/8] }"},
    {"ssl", "weir does not support TLS: put it behind something that terminates TLS, and list that in "
            "forwarding.trusted_proxies"},
    {"ssl_certificate",
     "weir does not support TLS: put it behind something that terminates TLS, and list that in "
     "forwarding.trusted_proxies"},
    {"ssl_certificate_key",
     "weir does not support TLS: put it behind something that terminates TLS, and list that in "
     "forwarding.trusted_proxies"},
    {"ssl_protocols", "weir does not support TLS"},
    {"stats", "weir has no statistics page; the access log has the times and the ending of each exchange"},
    {"sticky", "weir has no sticky sessions"},
    {"stream", "weir proxies HTTP; it does not pass TCP through"},
    {"stripPrefix", "use rewrite: { prefix: / } of the route"},
    {"strip_prefix", "use rewrite: { prefix: / } of the route"},
    {"target", "use upstream: NAME, and upstreams: { NAME: [\"127.0.0.1:3000\"] }"},
    {"tls", "weir does not support TLS: put it behind something that terminates TLS, and list that in "
            "forwarding.trusted_proxies"},
    {"try_files", "weir serves no files; put an HTTP server behind it as an upstream"},
    {"upstream_timeout", "use timeouts: { connect: 5s, first_byte: 60s }"},
    {"uri", "use rewrite: { prefix: / } of the route"},
    {"url", "use an address without a scheme: \"127.0.0.1:3000\""},
    {"use_backend", "use a route with upstream: NAME"},
    {"user", "start weir as that user, for example with a service manager"},
    {"virtual_hosts", "a virtual host is a route: routes: [{ host: app.example.com, upstream: app }]"},
    {"websocket", "upgrades are forwarded by default; allow_upgrade: false of a route disables them"},
    {"worker_connections", "use max_connections of a listener; the descriptor limit bounds the whole process"},
    {"worker_processes", "use runtime: { workers: 4 }"},
    {"zone", "weir needs none; remove it"},
};

std::string_view first_word(std::string_view text) noexcept { return text.substr(0, text.find_first_of(" \t\n=;{")); }

struct Guide {
  std::string_view name;
  std::span<const std::string_view> words;  // that its files begin with
};
constexpr std::string_view nginx_words[] = {"server", "http", "events", "upstream", "user", "worker_processes", "location"};
constexpr std::string_view haproxy_words[] = {"global", "defaults", "frontend", "backend", "listen"};
constexpr Guide guides[] = {{"docs/from-nginx.md", nginx_words}, {"docs/from-haproxy.md", haproxy_words}};

}  // namespace

std::span<const ForeignKey> foreign_keys() noexcept { return table; }

const ForeignKey* foreign_key(std::string_view key) noexcept {
  const std::string_view name = first_word(key);
  const auto found = std::lower_bound(std::begin(table), std::end(table), name,
                                      [](const ForeignKey& it, std::string_view wanted) { return it.name < wanted; });
  return found != std::end(table) && found->name == name ? found : nullptr;
}

std::string_view guide_for(std::string_view text) noexcept {
  const std::string_view word = first_word(text);
  for (const Guide& guide : guides) {
    if (std::find(guide.words.begin(), guide.words.end(), word) != guide.words.end()) return guide.name;
  }
  const bool block = text.ends_with('}') && text.find(" {") != std::string_view::npos;
  return block ? "docs/from-caddy.md" : "";
}

}  // namespace weir::config
