#include "tests/sim/backend/sim_profile.hpp"

#include <array>

namespace weir::sim {
namespace {

SimProfile make(std::string_view name, const Platform& platform) noexcept {
  SimProfile profile;
  profile.name = name;
  profile.platform = platform;
  const bool completes = platform.backend == BackendKind::iocp || platform.backend == BackendKind::io_uring;
  profile.style = completes ? Style::completion : Style::readiness;
  const PlatformLimits limits = platform_limits(platform);
  profile.clock_resolution = limits.clock_resolution;
  profile.max_sockets = limits.max_sockets;
  return profile;
}

const std::array<SimProfile, 8>& profiles() noexcept {
  static const std::array<SimProfile, 8> all{
      make("sim", {Os::linux_os, 0, BackendKind::epoll}),
      make("sim-io_uring", {Os::linux_os, 0, BackendKind::io_uring}),
      make("sim-poll", {Os::linux_os, 0, BackendKind::poll}),
      make("sim-select", {Os::linux_os, 0, BackendKind::select}),
      make("sim-macos", {Os::macos, 0, BackendKind::kqueue}),
      make("sim-macos-10.8", {Os::macos, 1008, BackendKind::kqueue}),
      make("sim-windows", {Os::windows, 0, BackendKind::iocp}),
      make("sim-windows-select", {Os::windows, 0, BackendKind::select}),
  };
  return all;
}

}  // namespace

SimProfile profile_for(const Platform& platform) noexcept {
  for (const SimProfile& profile : profiles()) {
    if (profile.platform == platform) return profile;
  }
  return make("sim-other", platform);
}

std::span<const SimProfile> all_profiles() noexcept { return profiles(); }

}  // namespace weir::sim
