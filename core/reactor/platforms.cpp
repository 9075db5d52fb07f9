#include "core/reactor/platforms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace weir {
namespace {

// Each in the order of its enumeration.
constexpr std::array<std::string_view, 6> systems{"linux", "macos", "freebsd", "openbsd", "netbsd", "windows"};
constexpr std::array<std::string_view, 6> titles{"Linux", "macOS", "FreeBSD", "OpenBSD", "NetBSD", "Windows"};
constexpr std::array<std::string_view, 6> kinds{"epoll", "io_uring", "kqueue", "poll", "select", "iocp"};
constexpr std::array<std::string_view, feature_count> features{
    "stream_sockets",   "unix_sockets",    "pipes",      "char_devices",  "regular_files", "watch_descriptor",
    "child_processes",  "signal_handlers", "watch_pipe", "child_watcher", "plain_pipes",   "this_backend",
    "shared_listeners", "named_pipes"};

constexpr std::uint16_t last_old_macos = 1008;

constexpr std::array platforms{
    Platform{Os::linux_os, 0, BackendKind::epoll},
    Platform{Os::linux_os, 0, BackendKind::io_uring},
    Platform{Os::linux_os, 0, BackendKind::poll},
    Platform{Os::linux_os, 0, BackendKind::select},
    Platform{Os::macos, 0, BackendKind::kqueue},
    Platform{Os::macos, 0, BackendKind::poll},
    Platform{Os::macos, 0, BackendKind::select},
    Platform{Os::macos, last_old_macos, BackendKind::kqueue},
    Platform{Os::macos, last_old_macos, BackendKind::poll},
    Platform{Os::macos, last_old_macos, BackendKind::select},
    Platform{Os::freebsd, 0, BackendKind::kqueue},
    Platform{Os::freebsd, 0, BackendKind::poll},
    Platform{Os::freebsd, 0, BackendKind::select},
    Platform{Os::openbsd, 0, BackendKind::kqueue},
    Platform{Os::openbsd, 0, BackendKind::poll},
    Platform{Os::openbsd, 0, BackendKind::select},
    Platform{Os::netbsd, 0, BackendKind::kqueue},
    Platform{Os::netbsd, 0, BackendKind::poll},
    Platform{Os::netbsd, 0, BackendKind::select},
    Platform{Os::windows, 0, BackendKind::iocp},
    Platform{Os::windows, 0, BackendKind::select},
};

template <class Enum, std::size_t N>
std::optional<Enum> find_in(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view name_of(Os os) noexcept { return systems[static_cast<std::size_t>(os)]; }
std::string_view name_of(BackendKind kind) noexcept { return kinds[static_cast<std::size_t>(kind)]; }
std::string_view name_of(Feature feature) noexcept { return features[static_cast<std::size_t>(feature)]; }
std::string_view title_of(Os os) noexcept { return titles[static_cast<std::size_t>(os)]; }

std::span<const std::string_view> os_names() noexcept { return systems; }
std::span<const std::string_view> backend_names() noexcept { return kinds; }
std::optional<Os> os_named(std::string_view name) noexcept { return find_in<Os>(systems, name); }
std::optional<BackendKind> backend_named(std::string_view name) noexcept { return find_in<BackendKind>(kinds, name); }

std::span<const Platform> every_platform() noexcept { return platforms; }

BackendKind preferred_backend(Os os) noexcept {
  return std::find_if(platforms.begin(), platforms.end(), [&](const Platform& it) { return it.os == os; })->backend;
}

bool exists(const Platform& platform) noexcept { return ruling(platform, Feature::this_backend).allowed; }

std::string system_name(const Platform& platform) {
  if (platform.version == 0) return std::string(name_of(platform.os));
  return fmt::format("{}-{}.{}", name_of(platform.os), platform.version / 100, platform.version % 100);
}

std::string platform_name(const Platform& platform) {
  return fmt::format("{}/{}", system_name(platform), name_of(platform.backend));
}

std::string backends_of(Os os) {
  std::string list;
  for (const Platform& platform : platforms) {
    if (platform.os != os || platform.version != 0) continue;
    list.append(list.empty() ? "" : ", ").append(name_of(platform.backend));
  }
  return list;
}

}  // namespace weir
