#include "systemd/watchdog.hpp"

#include <chrono>
#include <cstdint>

#include "systemd/number.hpp"

namespace weir::systemd {

std::optional<Duration> watchdog_interval(const Environment& environment) noexcept {
  const std::string& watched = environment.watchdog_pid;
  if (!watched.empty() && parse_number(watched) != environment.process) return std::nullopt;
  const auto microseconds = parse_number(environment.watchdog_usec);
  constexpr std::uint64_t most = INT64_MAX / 1000;
  if (!microseconds || *microseconds == 0 || *microseconds > most) return std::nullopt;
  return std::chrono::microseconds{static_cast<std::int64_t>(*microseconds)};
}

}  // namespace weir::systemd
