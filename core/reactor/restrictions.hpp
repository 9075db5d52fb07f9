#pragma once
// The documented restrictions of each platform as data: one table, one query, one error. The rows follow CPython's
// asyncio page "Platform Support". Nothing else in weir decides by operating system what is allowed.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/time.hpp"

namespace weir {

enum class Os : std::uint8_t { linux_os, macos, freebsd, openbsd, netbsd, windows };
enum class BackendKind : std::uint8_t { epoll, io_uring, kqueue, poll, select, iocp };

enum class Feature : std::uint8_t {
  stream_sockets,
  unix_sockets,
  pipes,  // pipe transports: pipes, FIFOs
  char_devices,
  regular_files,
  watch_descriptor,  // watch_read, watch_write of a foreign descriptor
  child_processes,
  signal_handlers,
  watch_pipe,        // watch_read, watch_write of a pipe
  child_watcher,     // choosing how child processes are watched
  plain_pipes,       // pipe handles that were not opened for overlapped I/O
  this_backend,      // the backend itself: it exists on that system
  shared_listeners,  // several listeners on one address, between which the kernel balances
  named_pipes,       // listening on a named pipe, connecting to one
};
inline constexpr std::size_t feature_count = 14;

// Whose rules apply. `version` is major * 100 + minor where a row depends on it (macOS 10.8: 1008), 0: any current.
struct Platform {
  Os os;
  std::uint16_t version;
  BackendKind backend;
  friend constexpr bool operator==(const Platform&, const Platform&) noexcept = default;
};

using RuleId = std::uint16_t;  // 0: none; else 1 + the row's index

struct Restriction {
  std::string_view id;          // stable: "windows-select-no-pipes"
  std::string_view sentence;    // what a user reads: what cannot be done and what to do instead
  std::string_view source;      // the documented source
};

struct Ruling {
  bool allowed = true;
  RuleId rule = 0;
};

// Restrictions that are numbers: what `weir check` adds up, and what a backend reports as its capabilities.
struct PlatformLimits {
  std::uint32_t max_sockets = 0;       // 0: only the process's own limit
  RuleId max_sockets_rule = 0;
  Duration clock_resolution{1};        // usual step of the monotonic clock
  RuleId clock_rule = 0;
  RuleId descriptor_rule = 0;          // 0: descriptors are not what runs short there
};

std::span<const Restriction> restrictions() noexcept;
const Restriction* restriction(RuleId rule) noexcept;        // null for 0
Ruling ruling(const Platform& platform, Feature feature) noexcept;
PlatformLimits platform_limits(const Platform& platform) noexcept;
RuleId rule_named(std::string_view id) noexcept;             // 0 when there is none

// The error every refusal returns: not_supported with the rule. Any thread.
Error refused(RuleId rule) noexcept;

// How often this process has refused by the rule.
std::uint64_t times_refused(RuleId rule) noexcept;

}  // namespace weir
