#include "core/proxy/head_policy.hpp"

namespace weir::proxy {
namespace {

// "h2c", its drafts, "h2", and "HTTP/2.0".
bool is_http(std::string_view protocol) noexcept {
  return http::equal_ignoring_case(protocol.substr(0, 2), "h2") ||
         http::equal_ignoring_case(protocol.substr(0, 5), "http/");
}

// Equal but for case, and a hyphen in `wanted`, which is lower case, may be an underscore.
bool reads_as(std::string_view name, std::string_view wanted) noexcept {
  if (name.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (http::lower(name[i]) != wanted[i] && !(name[i] == '_' && wanted[i] == '-')) return false;
  return true;
}

constexpr std::string_view claim_prefix = "x-forwarded-";

}  // namespace

bool is_forwarding_claim(std::string_view name) noexcept {
  return name.size() > claim_prefix.size() &&
         http::equal_ignoring_case(name.substr(0, claim_prefix.size()), claim_prefix);
}

bool is_disguised_claim(std::string_view name) noexcept {
  if (name.find('_') == name.npos) return false;
  const bool has_prefix =
      name.size() > claim_prefix.size() && reads_as(name.substr(0, claim_prefix.size()), claim_prefix);
  return has_prefix || reads_as(name, "x-real-ip") || reads_as(name, "x-request-id");
}

std::optional<std::uint64_t> least_max_forwards(const http::RequestHead& head) noexcept {
  std::optional<std::uint64_t> least;
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    const http::Field& field = head.fields[i];
    if (field.id != http::FieldId::other || !http::equal_ignoring_case(head.name(field), "Max-Forwards")) continue;
    const std::string_view text = head.value(field);
    std::uint64_t value = 0;
    const std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) continue;
    if (!least || value < *least) least = value;
  }
  return least;
}

bool names_passable_upgrade(const http::RequestHead& head) noexcept {
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
  return names_one;
}

bool has_token(std::string_view list, std::string_view wanted) noexcept {
  while (!list.empty())
    if (http::equal_ignoring_case(http::next_element(list), wanted)) return true;
  return false;
}

}  // namespace weir::proxy
