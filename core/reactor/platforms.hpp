#pragma once
// Names of systems, backends and features as users read and write them, and the list of the platforms that exist.
// restrictions.hpp says what each allows. Static data; any thread.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/reactor/restrictions.hpp"

namespace weir {

std::string_view name_of(Os os) noexcept;             // "linux"
std::string_view name_of(BackendKind kind) noexcept;  // "io_uring"
std::string_view name_of(Feature feature) noexcept;   // "unix_sockets"
std::string_view title_of(Os os) noexcept;            // "Linux", for sentences

std::span<const std::string_view> os_names() noexcept;       // in the order of the enumeration
std::span<const std::string_view> backend_names() noexcept;  // likewise
std::optional<Os> os_named(std::string_view name) noexcept;
std::optional<BackendKind> backend_named(std::string_view name) noexcept;

// Every system that weir has rules for, macOS 10.8 as one of its own, each with the backends that exist there in the
// order in which `auto` tries them.
std::span<const Platform> every_platform() noexcept;
BackendKind preferred_backend(Os os) noexcept;  // the first of them
bool exists(const Platform& platform) noexcept;

std::string system_name(const Platform& platform);    // "linux", "macos-10.8"
std::string platform_name(const Platform& platform);  // "windows/select"

// The backends of a system, joined: "epoll, io_uring, poll, select".
std::string backends_of(Os os);

}  // namespace weir
