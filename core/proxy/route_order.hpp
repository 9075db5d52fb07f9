#pragma once
// Which of several routes is tried first: the precedence of the Kubernetes Gateway API, written once for the router,
// for the listing of `weir check -v` and for the warning about routes that can never match. Pure; any thread; the
// views lead into the routes, which outlive them.

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/proxy/spec.hpp"

namespace weir::proxy {

// A host without its port, brackets kept, without the dot of a fully qualified name.
inline std::string_view bare_host(std::string_view host) noexcept {
  if (!host.empty() && host.front() == '[') {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(0, end + 1);
  }
  host = host.substr(0, host.find(':'));
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return host;
}

// What a route's host is compared as, ignoring case: empty for any host, and ".example.com" for "*.example.com", which
// no exact host looks like.
std::string_view host_key(std::string_view host) noexcept;

// What a route's path is compared as: as a prefix "/a/" is "/a", and "/" is the empty prefix that every path has.
std::string_view path_key(const RouteSpec& route) noexcept;

// A route under one of its hosts.
struct RankedRoute {
  const RouteSpec* route = nullptr;
  std::uint32_t index = 0;  // among all routes, in file order
  std::string_view host;    // as the route writes it; empty: any
  std::string_view host_key;
  std::string_view path_key;

  RankedRoute(const RouteSpec& of, std::uint32_t position, std::string_view its_host) noexcept
      : route(&of),
        index(position),
        host(its_host),
        host_key(proxy::host_key(its_host)),
        path_key(proxy::path_key(of)) {}
  bool is_exact() const noexcept { return route->path_match == PathMatch::exact; }
};

// Everything that ranks before the order in the file: exact host, longest wildcard, any host; exact path, longest
// prefix; a method; the number of header conditions. Less is tried first. Between hosts or paths of which a request can
// match only one, the order is that of their names.
std::weak_ordering compare_precedence(const RankedRoute& a, const RankedRoute& b) noexcept;

// Every route under each of its hosts, in the order in which they are tried. Routes of `more` are numbered behind those
// of `routes`.
std::vector<RankedRoute> precedence_order(std::span<const RouteSpec> routes, std::span<const RouteSpec> more = {});

}  // namespace weir::proxy
