#pragma once
// ForeignKey: a key or directive of another proxy, and what weir has in its place. Who comes from nginx, HAProxy, Caddy,
// Traefik or Envoy writes what they know, and deserves more than "unknown key". Static data; any thread.

#include <span>
#include <string_view>

namespace weir::config {

struct ForeignKey {
  std::string_view name;    // "proxy_pass"
  std::string_view answer;  // what to write here, or that weir does not have it; no promise of what may come
};

// Sorted by name. Looked at only where the name is not a key of weir.
std::span<const ForeignKey> foreign_keys() noexcept;

// For a key, which may have arguments behind it as in "server app1" and "location /api"; null if it is unknown.
const ForeignKey* foreign_key(std::string_view key) noexcept;

// Whether a text reads like the configuration of another proxy, which is no YAML: it begins with such a directive.
// The name of the proxy's guide in docs/, or an empty text.
std::string_view guide_for(std::string_view text) noexcept;

}  // namespace weir::config
