#include "daemon/routes_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "daemon/resolve.hpp"

namespace weir::daemon {
namespace {

// A route under one of its hosts. Sorted by the Gateway API's precedence, as the router compares them.
struct Line {
  const proxy::RouteSpec* route;
  std::string_view host;  // empty: any
  std::size_t position;

  auto rank() const {
    const int host_class = host.empty() ? 2 : host.starts_with('*') ? 1 : 0;
    const bool exact_path = route->path_match == proxy::PathMatch::exact;
    return std::make_tuple(host_class, -static_cast<long>(host.size()), host, !exact_path,
                           -static_cast<long>(route->path.size()), route->methods.empty(),
                           -static_cast<long>(route->headers.size()), position);
  }
};

std::string conditions(const proxy::RouteSpec& route) {
  std::string text;
  if (!route.methods.empty()) text += fmt::format(" {}", fmt::join(route.methods, "|"));
  for (const proxy::HeaderMatch& header : route.headers) {
    text += header.value ? fmt::format(" [{}: {}]", header.name, *header.value) : fmt::format(" [{}]", header.name);
  }
  if (!route.listeners.empty()) text += fmt::format(" (on {})", fmt::join(route.listeners, ", "));
  return text;
}

std::string action(const proxy::RouteSpec& route) {
  if (route.respond) return fmt::format("respond {}", route.respond->status);
  if (route.redirect) return fmt::format("redirect {} to {}", route.redirect->status, route.redirect->location);
  return fmt::format("upstream {}", route.upstream);
}

std::string where(const proxy::Origin& origin) {
  const std::string place = place_of(origin);
  return place.empty() ? place : fmt::format("  ({})", place);
}

}  // namespace

std::string routes_in_match_order(const proxy::Spec& spec) {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < spec.routes.size(); ++i) {
    const proxy::RouteSpec& route = spec.routes[i];
    for (const std::string& host : route.hosts) lines.push_back({&route, host, i});
    if (route.hosts.empty()) lines.push_back({&route, {}, i});
  }
  std::ranges::sort(lines, [](const Line& a, const Line& b) { return a.rank() < b.rank(); });
  std::string text;
  for (const Line& line : lines) {
    const proxy::RouteSpec& route = *line.route;
    const bool exact = route.path_match == proxy::PathMatch::exact;
    text += fmt::format("  {}{}{}{} -> {}{}\n", line.host.empty() ? "*" : line.host, route.path,
                        exact ? " (exact)" : "", conditions(route), action(route), where(route.origin));
  }
  for (const proxy::ListenerSpec& listener : spec.listeners) {
    const std::string target = listener.redirect_to_https ? "redirect to https" : "upstream " + listener.upstream;
    if (!listener.redirect_to_https && listener.upstream.empty()) continue;
    text += fmt::format("  *{} (on {}, when nothing above matches) -> {}{}\n", "/", listener.name, target,
                        where(listener.origin));
  }
  return text;
}

}  // namespace weir::daemon
