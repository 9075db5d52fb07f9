#pragma once
// Router: finds the route of a request. Compiled once from a Spec and immutable after that, so any thread may read it.
// Precedence is the Kubernetes Gateway API's: exact host before the longest wildcard before any host; exact path, then
// the longest prefix; then a method match, then the number of matched headers, then the order in the file. The cost of
// a lookup does not grow with the number of routes.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/http/head.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

class Router {
 public:
  // The routes outlive the router; those of `more` are numbered behind those of `routes`.
  // A prefix is compared without a slash at its end: "/a/" is "/a", and matches /a too (as in the Gateway API).
  explicit Router(std::span<const RouteSpec> routes, std::span<const RouteSpec> more = {});
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  struct Query {
    std::uint32_t listener = 0;               // index into Spec::listeners
    std::string_view host;                    // any case; a port and a dot at its end are not looked at
    std::string_view path;                    // normalised
    const http::RequestHead* head = nullptr;  // for method and header conditions
  };

  static constexpr std::uint32_t none = UINT32_MAX;
  // Index of the route in the span, or none. Never allocates.
  std::uint32_t find(const Query& query) const noexcept;

  // Says which listener is which index. Until then a route that names listeners matches on none. To a listener that
  // redirects to https, only the routes apply that name it.
  void bind_listeners(std::span<const ListenerSpec> listeners);

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

// What follows the route's prefix in a path that it matched: "/x" for /a/x with /a or /a/; the whole path with "/".
std::string_view behind_prefix(const RouteSpec& route, std::string_view path) noexcept;

}  // namespace weir::proxy
