#pragma once
// Parts of a line that several formats of the access log have. Private to core/proxy; any thread.

#include <array>
#include <string_view>

#include "core/proxy/access_log.hpp"
#include "core/proxy/log_text.hpp"

namespace weir::proxy {

inline constexpr std::size_t longest_user = 128;  // bytes of it that are logged

inline std::string_view or_dash(std::string_view text) noexcept { return text.empty() ? "-" : text; }

inline std::string_view protocol_of(const AccessRecord& record) noexcept {
  return record.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

// At most max_ip_text bytes.
inline void put_client(TextOut& out, const Address* client) noexcept {
  if (client == nullptr || client->family == Family::none) return out.put('-');
  if (client->family == Family::unix_path) return out.put("unix:");
  if (client->family == Family::named_pipe) return out.put("pipe:");
  std::array<char, max_ip_text> ip;
  out.put(peer_ip(*client, ip.data()));
}

}  // namespace weir::proxy
