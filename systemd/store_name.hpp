#pragma once
// Names under which weir keeps listening sockets in systemd's descriptor store: "weir-listen/LISTENER/INDEX". They are
// valid for systemd (is_descriptor_name in notify.hpp) whatever the listener is called, and the default name of a
// .socket unit never looks like one. Any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::systemd {

struct StoreName {
  std::string listener;
  std::uint32_t index = 0;  // tells the sockets of one listener apart; which is bound where, the socket knows
  friend bool operator==(const StoreName&, const StoreName&) = default;
};

// Slash, colon, percent sign, blank and everything but printable ASCII becomes %XX in the listener's name. Nothing: the
// result is longer than systemd allows, and such a socket cannot be stored.
std::optional<std::string> to_string(const StoreName& name);

// Nothing: not a name that weir stores under; the names of .socket units, for example.
std::optional<StoreName> parse_store_name(std::string_view text);

}  // namespace weir::systemd
