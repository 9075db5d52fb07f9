#include "core/proxy/head_policy.hpp"

namespace weir::proxy {

bool has_token(std::string_view list, std::string_view wanted) noexcept {
  while (!list.empty())
    if (http::equal_ignoring_case(http::next_element(list), wanted)) return true;
  return false;
}

}  // namespace weir::proxy
