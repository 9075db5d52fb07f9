#pragma once
// What a backend can do on a platform, as answered by the one restriction table (restrictions.hpp).

#include <cstdint>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/time.hpp"
#include "core/reactor/handle.hpp"
#include "core/reactor/restrictions.hpp"

namespace weir {

// What a platform must have for attaching such a handle.
constexpr Feature feature_of(HandleKind kind) noexcept {
  switch (kind) {
    case HandleKind::pipe: return Feature::pipes;
    case HandleKind::char_device: return Feature::char_devices;
    case HandleKind::regular_file: return Feature::regular_files;
    case HandleKind::foreign: return Feature::watch_descriptor;
    case HandleKind::child: return Feature::child_processes;
    case HandleKind::pipe_listener:
    case HandleKind::pipe_stream: return Feature::named_pipes;
    default: return Feature::stream_sockets;
  }
}

// And for listening on such an address, or connecting to it.
constexpr Feature feature_of(Family family) noexcept {
  switch (family) {
    case Family::unix_path: return Feature::unix_sockets;
    case Family::named_pipe: return Feature::named_pipes;
    default: return Feature::stream_sockets;
  }
}

struct Capabilities {
  std::string_view name;           // "epoll", "poll", "select", "sim", ...
  Platform platform;               // whose rules apply; the simulated backend takes any
  std::uint32_t max_sockets = 0;   // 0: only the process's own limit
  Duration clock_resolution{};     // timers due within one resolution fire together
  bool spawn_holds = true;         // Backend::spawn may hold its caller for milliseconds; the simulator's does not

  // Is the feature allowed here? A refusal carries its rule.
  Ruling operator[](Feature feature) const noexcept { return ruling(platform, feature); }
};

}  // namespace weir
