#include "core/proxy/route_conditions.hpp"

#include <algorithm>
#include <iterator>

namespace weir::proxy {

MethodSet MethodSet::of(const RouteSpec& route) noexcept {
  // In the order of http::Method; what is not among them is its last value, `other`.
  static constexpr std::string_view names[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                               "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  static_assert(std::size(names) == static_cast<std::size_t>(http::Method::other));
  MethodSet set;
  for (const std::string& method : route.methods) {
    const auto position = std::find(std::begin(names), std::end(names), method) - std::begin(names);
    set.bits_ |= static_cast<std::uint16_t>(1u << position);
  }
  return set;
}

bool headers_match(const RouteSpec& route, const http::RequestHead& head) noexcept {
  const auto fulfilled = [&head](const HeaderMatch& match) noexcept {
    for (std::uint16_t i = 0; i < head.field_count; ++i) {
      const http::Field& field = head.fields[i];
      if (match.value && head.value(field) != *match.value) continue;
      if (http::equal_ignoring_case(head.name(field), match.name)) return true;
    }
    return false;
  };
  return std::all_of(route.headers.begin(), route.headers.end(), fulfilled);
}

bool names_method(const RouteSpec& route, std::string_view method) noexcept {
  return std::find(route.methods.begin(), route.methods.end(), method) != route.methods.end();
}

}  // namespace weir::proxy
