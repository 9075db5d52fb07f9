#include "core/reactor/restrictions.hpp"

#include <array>
#include <atomic>

namespace weir {
namespace {

// Which systems and backends a row is about. A version bound of 0 means every version.
struct Scope {
  unsigned systems;
  unsigned backends;
  std::uint16_t up_to_version = 0;

  constexpr bool covers(const Platform& platform) const noexcept {
    const bool version = up_to_version == 0 || (platform.version != 0 && platform.version <= up_to_version);
    return version && (systems >> unsigned(platform.os) & 1U) != 0 &&
           (backends >> unsigned(platform.backend) & 1U) != 0;
  }
};

constexpr unsigned bit(Os os) noexcept { return 1U << unsigned(os); }
constexpr unsigned bit(BackendKind kind) noexcept { return 1U << unsigned(kind); }
constexpr unsigned bit(Feature feature) noexcept { return 1U << unsigned(feature); }

constexpr unsigned every_backend = ~0U;
constexpr unsigned every_system = ~0U;
constexpr unsigned linux_os = bit(Os::linux_os);
constexpr unsigned windows = bit(Os::windows);
constexpr unsigned posix = every_system & ~windows;

struct Row {
  Restriction text;
  Scope scope;
  unsigned refuses = 0;           // features
  std::uint32_t max_sockets = 0;  // 0: this row sets no such limit
  Duration clock_resolution{};    // 0: likewise
  bool descriptor_limit = false;  // the process's own limit of descriptors is one of sockets, too
};

constexpr std::string_view asyncio_all = "CPython, asyncio, Platform Support: All Platforms";
constexpr std::string_view asyncio_windows = "CPython, asyncio, Platform Support: Windows";
constexpr std::string_view asyncio_selector = "CPython, asyncio, Platform Support: SelectorEventLoop on Windows";
constexpr std::string_view asyncio_proactor = "CPython, asyncio, Platform Support: ProactorEventLoop on Windows";
constexpr std::string_view asyncio_macos = "CPython, asyncio, Platform Support: macOS";
constexpr std::string_view select_module = "CPython, select: availability of epoll(), kqueue() and poll()";

// Ids are stable: configurations, documents and tests refer to them. New rows go to the end.
constexpr std::array rows{
    Row{{"regular-files-not-watchable",
         "the readiness of a regular file cannot be watched on any platform, and a pipe transport supports pipes, "
         "FIFOs, "
         "sockets and character devices only; read the file directly or put a pipe in front of it",
         asyncio_all},
        {every_system, every_backend},
        bit(Feature::regular_files)},
    Row{{"windows-no-unix-sockets",
         "unix sockets can be neither listened on nor connected to on Windows; use a TCP address on loopback, or a "
         "named pipe with the iocp backend",
         asyncio_windows},
        {windows, every_backend},
        bit(Feature::unix_sockets)},
    Row{{"windows-no-signal-handlers",
         "signal handlers are not supported on Windows; console events and service controls stop and reload instead",
         asyncio_windows},
        {windows, every_backend},
        bit(Feature::signal_handlers)},
    Row{{"windows-no-child-watcher",
         "Windows watches child processes by a mechanism of its own; no child watcher can be set",
         asyncio_windows},
        {windows, every_backend},
        bit(Feature::child_watcher)},
    Row{{"windows-clock-15ms",
         "the monotonic clock of Windows usually steps by 15.6 ms, 0.5 ms at best, depending on hardware and system "
         "configuration; shorter timeouts expire late",
         asyncio_windows},
        {windows, every_backend},
        0,
        0,
        std::chrono::microseconds{15'600}},
    Row{{"windows-iocp-no-watch",
         "the readiness of a descriptor cannot be watched with the iocp backend; use stream operations, or the select "
         "backend for sockets",
         asyncio_proactor},
        {windows, bit(BackendKind::iocp)},
        bit(Feature::watch_descriptor) | bit(Feature::watch_pipe)},
    Row{{"windows-iocp-overlapped-pipes",
         "a pipe handle must have been opened for overlapped I/O (FILE_FLAG_OVERLAPPED) to be used with the iocp "
         "backend",
         asyncio_proactor},
        {windows, bit(BackendKind::iocp)},
        bit(Feature::plain_pipes)},
    Row{{"windows-select-sockets-only",
         "the select backend of Windows supports sockets only; use the iocp backend for other handles",
         asyncio_selector},
        {windows, bit(BackendKind::select)},
        bit(Feature::char_devices)},
    Row{{"windows-select-no-pipe-watch",
         "pipe handles cannot be watched with the select backend of Windows, only sockets can", asyncio_selector},
        {windows, bit(BackendKind::select)},
        bit(Feature::watch_pipe)},
    Row{{"windows-select-no-pipes",
         "pipe transports are not supported with the select backend of Windows; use the iocp backend",
         asyncio_selector},
        {windows, bit(BackendKind::select)},
        bit(Feature::pipes) | bit(Feature::plain_pipes) | bit(Feature::named_pipes)},
    Row{{"windows-select-no-subprocess",
         "child processes are not supported with the select backend of Windows; use the iocp backend",
         asyncio_selector},
        {windows, bit(BackendKind::select)},
        bit(Feature::child_processes)},
    Row{{"windows-select-512",
         "the select backend of Windows waits on at most 512 sockets; use the iocp backend for more", asyncio_selector},
        {windows, bit(BackendKind::select)},
        0,
        512},
    Row{{"macos-10-8-kqueue-char-devices",
         "kqueue does not support character devices on macOS 10.8 and earlier; choose the select or poll backend",
         asyncio_macos},
        {bit(Os::macos), bit(BackendKind::kqueue), 1008},
        bit(Feature::char_devices)},
    Row{{"posix-select-fd-setsize",
         "the select backend supports only descriptors below 1024 (FD_SETSIZE); use another backend for more "
         "connections",
         "POSIX.1-2017, select(): FD_SETSIZE"},
        {posix, bit(BackendKind::select)},
        0,
        1024},
    Row{{"posix-descriptor-limit",
         "every socket is a descriptor, and their number per process is limited; raise the limit (ulimit -n, "
         "LimitNOFILE= in a unit) or lower max_connections",
         "POSIX.1-2017, getrlimit(): RLIMIT_NOFILE"},
        {posix, every_backend},
        0,
        0,
        {},
        true},
    Row{{"epoll-linux-only", "epoll exists on Linux only", select_module},
        {every_system & ~linux_os, bit(BackendKind::epoll)},
        bit(Feature::this_backend)},
    Row{{"io-uring-linux-only", "io_uring exists on Linux only", "Linux manual pages, io_uring(7)"},
        {every_system & ~linux_os, bit(BackendKind::io_uring)},
        bit(Feature::this_backend)},
    Row{{"kqueue-bsd-only", "kqueue exists on macOS and the BSDs only", select_module},
        {linux_os | windows, bit(BackendKind::kqueue)},
        bit(Feature::this_backend)},
    Row{{"iocp-windows-only", "iocp exists on Windows only",
         "CPython, asyncio, Event Loop Implementations: ProactorEventLoop"},
        {posix, bit(BackendKind::iocp)},
        bit(Feature::this_backend)},
    Row{{"windows-no-poll", "poll exists on Unix systems only", select_module},
        {windows, bit(BackendKind::poll)},
        bit(Feature::this_backend)},
    Row{{"windows-no-reuse-port",
         "listeners cannot share an address on Windows, where the option of that name would let any process take the "
         "address over; one thread accepts",
         "CPython, asyncio, Event Loop: create_server(), reuse_port"},
        {windows, every_backend},
        bit(Feature::shared_listeners)},
    Row{{"named-pipes-windows-only",
         "a named pipe can be listened on and connected to on Windows only; use a unix socket or a TCP address",
         "Microsoft, Win32: Named Pipes"},
        {posix, every_backend},
        bit(Feature::named_pipes)},
};

constexpr auto texts = [] {
  std::array<Restriction, rows.size()> all{};
  for (std::size_t i = 0; i < rows.size(); ++i) all[i] = rows[i].text;
  return all;
}();

std::array<std::atomic<std::uint64_t>, rows.size() + 1> refusals{};

constexpr RuleId rule_of(std::size_t row) noexcept { return static_cast<RuleId>(row + 1); }

}  // namespace

std::span<const Restriction> restrictions() noexcept { return texts; }

const Restriction* restriction(RuleId rule) noexcept {
  return rule == 0 || rule > texts.size() ? nullptr : &texts[rule - 1U];
}

RuleId rule_named(std::string_view id) noexcept {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].id == id) return rule_of(i);
  }
  return 0;
}

Ruling ruling(const Platform& platform, Feature feature) noexcept {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if ((rows[i].refuses & bit(feature)) != 0 && rows[i].scope.covers(platform)) return {false, rule_of(i)};
  }
  return {};
}

PlatformLimits platform_limits(const Platform& platform) noexcept {
  PlatformLimits limits;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].scope.covers(platform)) continue;
    if (rows[i].max_sockets != 0) {
      limits.max_sockets = rows[i].max_sockets;
      limits.max_sockets_rule = rule_of(i);
    }
    if (rows[i].clock_resolution != Duration{}) {
      limits.clock_resolution = rows[i].clock_resolution;
      limits.clock_rule = rule_of(i);
    }
    if (rows[i].descriptor_limit) limits.descriptor_rule = rule_of(i);
  }
  return limits;
}

Error refused(RuleId rule) noexcept {
  if (rule < refusals.size()) refusals[rule].fetch_add(1, std::memory_order_relaxed);
  Error error(Errc::not_supported);
  error.rule = rule;
  return error;
}

std::uint64_t times_refused(RuleId rule) noexcept {
  return rule < refusals.size() ? refusals[rule].load(std::memory_order_relaxed) : 0;
}

}  // namespace weir
