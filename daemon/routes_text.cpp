#include "daemon/routes_text.hpp"

#include <fmt/format.h>

#include "core/proxy/route_order.hpp"
#include "daemon/resolve.hpp"

namespace weir::daemon {
namespace {

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
  std::string text;
  for (const proxy::RankedRoute& ranked : proxy::precedence_order(spec.routes)) {
    const proxy::RouteSpec& route = *ranked.route;
    text += fmt::format("  {}{}{}{} -> {}{}\n", ranked.host.empty() ? "*" : ranked.host, route.path,
                        ranked.is_exact() ? " (exact)" : "", conditions(route), action(route), where(route.origin));
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
