#include "core/proxy/forwarding.hpp"

#include <optional>

#include "core/http/grammar.hpp"

namespace weir::proxy {
namespace {

// One element of X-Forwarded-For: an address, also with a port ("192.0.2.1:80", "[2001:db8::1]:80").
std::optional<Address> parse_hop(std::string_view text) noexcept {
  if (const std::optional<Address> ip = parse_ip(text)) return ip;
  if (!text.empty() && text.front() == '[') return parse_ip(text.substr(1, text.find(']') - 1));
  return parse_ip(text.substr(0, text.find(':')));
}

}  // namespace

bool is_trusted(const Address& peer, const Forwarding& rules) noexcept {
  for (const AddressBlock& block : rules.trusted_proxies)
    if (block.contains(peer)) return true;
  return false;
}

Address client_of(const http::RequestHead& head, const Address& peer, const Forwarding& rules) noexcept {
  Address client = peer;
  if (!is_trusted(peer, rules)) return client;
  for (std::uint16_t i = head.field_count; i-- > 0;) {
    if (head.fields[i].id != http::FieldId::x_forwarded_for) continue;
    std::string_view rest = head.value(head.fields[i]);
    while (!rest.empty()) {
      const std::size_t comma = rest.rfind(',');
      const std::string_view element = http::trim_ows(comma == rest.npos ? rest : rest.substr(comma + 1));
      rest = rest.substr(0, comma == rest.npos ? 0 : comma);
      if (element.empty()) continue;
      const std::optional<Address> hop = parse_hop(element);
      if (!hop) return client;  // whatever is further left was not written by anyone trusted
      client = *hop;
      if (!is_trusted(client, rules)) return client;
    }
  }
  return client;
}

}  // namespace weir::proxy
