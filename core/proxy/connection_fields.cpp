#include "core/proxy/connection_fields.hpp"

#include <algorithm>

#include "core/http/grammar.hpp"

namespace weir::proxy {
namespace {

// Credentials and challenges begin with their scheme (RFC 9110 section 11.1). In a list of challenges the parameters of
// one are members, too, and quoted texts are not looked into: a name in them that is taken for a scheme costs a
// connection that could have been shared.
bool names_login(std::string_view list) noexcept {
  while (!list.empty()) {
    const std::string_view element = http::next_element(list);
    const std::string_view scheme = element.substr(0, element.find_first_of(" \t"));
    if (http::equal_ignoring_case(scheme, "NTLM") || http::equal_ignoring_case(scheme, "Negotiate")) return true;
  }
  return false;
}

bool any_names_login(const http::Head& head, http::FieldId id) noexcept {
  if (!head.has(id)) return false;
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    if (head.fields[i].id == id && names_login(head.value(head.fields[i]))) return true;
  }
  return false;
}

// Seconds; negative: no number, or one that no timeout is.
std::int64_t read_seconds(std::string_view text) noexcept {
  constexpr std::size_t most_digits = 9;
  if (text.empty() || text.size() > most_digits) return -1;
  std::int64_t seconds = 0;
  for (const char c : text) {
    if (!http::is_digit(c)) return -1;
    seconds = seconds * 10 + (c - '0');
  }
  return seconds;
}

}  // namespace

bool logs_in(const http::RequestHead& head) noexcept { return any_names_login(head, http::FieldId::authorization); }

bool offers_login(const http::ResponseHead& head) noexcept {
  if (head.status != 401 && head.status != 407) return false;
  return any_names_login(head, http::FieldId::www_authenticate) ||
         any_names_login(head, http::FieldId::proxy_authenticate);
}

Duration announced_timeout(const http::Head& head) noexcept {
  constexpr std::string_view name = "timeout=";
  std::int64_t least = -1;
  if (!head.has(http::FieldId::keep_alive)) return std::chrono::seconds{least};
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    if (head.fields[i].id != http::FieldId::keep_alive) continue;
    std::string_view rest = head.value(head.fields[i]);
    while (!rest.empty()) {
      const std::string_view element = http::next_element(rest);
      if (!http::equal_ignoring_case(element.substr(0, name.size()), name)) continue;
      const std::int64_t seconds = read_seconds(element.substr(name.size()));
      if (seconds >= 0) least = least < 0 ? seconds : std::min(least, seconds);
    }
  }
  return std::chrono::seconds{least};
}

}  // namespace weir::proxy
