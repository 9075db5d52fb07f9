#pragma once
// SimProfile: which system a simulated backend pretends to be. Plain data; the restriction table decides what follows
// from the platform, nothing here does.

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/time.hpp"
#include "core/reactor/restrictions.hpp"

namespace weir::sim {

// How operations end. `readiness`: tried at submit, parked on would-block, tried again when the descriptor is ready,
// as epoll, kqueue, poll and select do. `completion`: never done at submit, always through wait, as IOCP and io_uring.
enum class Style : std::uint8_t { readiness, completion };

struct SimProfile {
  std::string_view name = "sim";  // static text
  Platform platform{Os::linux_os, 0, BackendKind::epoll};
  Style style = Style::readiness;
  std::uint32_t max_descriptors = 0;  // open handles of this backend at most (EMFILE beyond); 0: no limit
  std::uint32_t max_sockets = 0;      // attached handles at most, as Capabilities says; 0: no limit
  Duration clock_resolution{1};
};

// The profile of a platform: style, socket limit and clock follow from it as documented.
SimProfile profile_for(const Platform& platform) noexcept;

// One of each kind that weir has rules for: Linux epoll, io_uring, poll and select, macOS kqueue now and 10.8, Windows
// iocp and select.
std::span<const SimProfile> all_profiles() noexcept;

}  // namespace weir::sim
