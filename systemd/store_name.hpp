#pragma once
// Names under which weir keeps listening sockets in systemd's descriptor store: "weir-listen/LISTENER/INDEX". They obey
// is_descriptor_name (notify.hpp), whatever the listener is called, and no .socket unit has such a name by accident.
// Any thread.

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

// In the listener's name a slash, a colon, a percent sign and all that is not printable ASCII is %XX. Nothing: the name
// would be longer than systemd takes; such a socket cannot be stored.
std::optional<std::string> to_string(const StoreName& name);

// Nothing: weir has not stored it, as the names of .socket units.
std::optional<StoreName> parse_store_name(std::string_view text);

}  // namespace weir::systemd
