#include "core/proxy/route_order.hpp"

#include <algorithm>

#include "core/http/grammar.hpp"

namespace weir::proxy {
namespace {

enum class HostClass : std::uint8_t { exact, wildcard, any };

HostClass class_of(std::string_view key) noexcept {
  if (key.empty()) return HostClass::any;
  return key.front() == '.' ? HostClass::wildcard : HostClass::exact;
}

std::weak_ordering compare_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) noexcept {
    return http::lower(x) <=> http::lower(y);
  });
}

std::weak_ordering compare_hosts(std::string_view a, std::string_view b) noexcept {
  if (const auto order = class_of(a) <=> class_of(b); order != 0) return order;
  if (const auto order = b.size() <=> a.size(); order != 0) return order;
  return compare_ignoring_case(a, b);
}

std::weak_ordering compare_paths(const RankedRoute& a, const RankedRoute& b) noexcept {
  if (const auto order = b.is_exact() <=> a.is_exact(); order != 0) return order;
  if (const auto order = b.path_key.size() <=> a.path_key.size(); order != 0) return order;
  return a.path_key <=> b.path_key;
}

}  // namespace

std::string_view host_key(std::string_view host) noexcept {
  if (host == "*") return {};
  return bare_host(host.starts_with("*.") ? host.substr(1) : host);
}

std::string_view path_key(const RouteSpec& route) noexcept {
  std::string_view path = route.path;
  if (route.path_match == PathMatch::prefix && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::weak_ordering compare_precedence(const RankedRoute& a, const RankedRoute& b) noexcept {
  if (const auto order = compare_hosts(a.host_key, b.host_key); order != 0) return order;
  if (const auto order = compare_paths(a, b); order != 0) return order;
  if (const auto order = a.route->methods.empty() <=> b.route->methods.empty(); order != 0) return order;
  return b.route->headers.size() <=> a.route->headers.size();
}

std::vector<RankedRoute> precedence_order(std::span<const RouteSpec> routes, std::span<const RouteSpec> more) {
  std::vector<RankedRoute> ranked;
  ranked.reserve(routes.size() + more.size());
  std::uint32_t index = 0;
  for (const std::span<const RouteSpec> list : {routes, more}) {
    for (const RouteSpec& route : list) {
      if (route.hosts.empty()) ranked.emplace_back(route, index, std::string_view{});
      for (const std::string& host : route.hosts) ranked.emplace_back(route, index, host);
      ++index;
    }
  }
  std::sort(ranked.begin(), ranked.end(), [](const RankedRoute& a, const RankedRoute& b) noexcept {
    const std::weak_ordering order = compare_precedence(a, b);
    return order == 0 ? a.index < b.index : order < 0;
  });
  return ranked;
}

}  // namespace weir::proxy
