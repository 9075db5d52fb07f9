#include "core/proxy/head_policy.hpp"

namespace weir::proxy {
namespace {

// "h2c", its drafts, "h2", and "HTTP/2.0".
bool is_http(std::string_view protocol) noexcept {
  return http::equal_ignoring_case(protocol.substr(0, 2), "h2") ||
         http::equal_ignoring_case(protocol.substr(0, 5), "http/");
}

}  // namespace

bool upgrade_may_pass(const http::RequestHead& head) noexcept {
  bool names_one = false;
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    if (head.fields[i].id != http::FieldId::upgrade) continue;
    std::string_view rest = head.value(head.fields[i]);
    while (!rest.empty()) {
      const std::string_view protocol = http::next_element(rest);
      if (is_http(protocol)) return false;
      names_one = names_one || !protocol.empty();
    }
  }
  return head.connection_upgrade && names_one;
}

bool has_token(std::string_view list, std::string_view wanted) noexcept {
  while (!list.empty())
    if (http::equal_ignoring_case(http::next_element(list), wanted)) return true;
  return false;
}

}  // namespace weir::proxy
