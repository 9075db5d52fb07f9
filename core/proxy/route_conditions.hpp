#pragma once
// The conditions of a route beyond host and path, compiled: listener, method, header fields. Pure; any thread.

#include <cstdint>
#include <span>
#include <string_view>

#include "core/http/head.hpp"
#include "core/proxy/listener_sets.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

// Two lists of routes that are numbered through.
struct RouteList {
  std::span<const RouteSpec> routes, more;

  const RouteSpec& operator[](std::uint32_t i) const noexcept {
    return i < routes.size() ? routes[i] : more[i - routes.size()];
  }
};

// A set of methods as bits in the order of http::Method.
class MethodSet {
 public:
  // Methods that weir has no name for are one bit: which of them it is has to be compared.
  static MethodSet of(const RouteSpec& route) noexcept;
  bool is_any() const noexcept { return bits_ == 0; }
  bool contains(http::Method method) const noexcept { return (bits_ >> static_cast<unsigned>(method) & 1) != 0; }

 private:
  std::uint16_t bits_ = 0;  // 0: any
};

bool headers_match(const RouteSpec& route, const http::RequestHead& head) noexcept;
bool names_method(const RouteSpec& route, std::string_view method) noexcept;

// A route that host and path of a request have led to.
struct Candidate {
  std::uint32_t route = 0;
  std::uint32_t listeners = ListenerSets::every;
  MethodSet methods;
  bool has_headers = false;

  // `head` may be null: then no condition on it holds.
  bool applies(const RouteList& routes, const ListenerSets& sets, std::uint32_t listener,
               const http::RequestHead* head) const noexcept {
    if (!sets.contains(listeners, listener)) return false;
    if (methods.is_any() && !has_headers) return true;
    if (!head) return false;
    if (!methods.is_any()) {
      if (!methods.contains(head->method)) return false;
      if (head->method == http::Method::other && !names_method(routes[route], head->method_text)) return false;
    }
    return !has_headers || headers_match(routes[route], *head);
  }
};

}  // namespace weir::proxy
