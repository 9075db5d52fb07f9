#pragma once
// What a backend can do on a platform, as answered by the one restriction table (restrictions.hpp).

#include <cstdint>
#include <string_view>

#include "core/base/time.hpp"
#include "core/reactor/restrictions.hpp"

namespace weir {

struct Capabilities {
  std::string_view name;           // "epoll", "poll", "select", "sim", ...
  Platform platform;               // whose rules apply; the simulated backend takes any
  std::uint32_t max_sockets = 0;   // 0: only the process's own limit
  Duration clock_resolution{};     // timers due within one resolution fire together

  // Is the feature allowed here? A refusal carries its rule.
  Ruling operator[](Feature feature) const noexcept { return ruling(platform, feature); }
};

}  // namespace weir
