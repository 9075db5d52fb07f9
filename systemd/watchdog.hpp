#pragma once
// WatchdogSec= of the unit: systemd kills a service that has not said Notifier::alive for so long. Any thread.

#include <optional>

#include "core/base/time.hpp"
#include "systemd/environment.hpp"

namespace weir::systemd {

// The longest silence that systemd accepts; call Notifier::alive at half of it. Nothing: this process is not watched,
// or the values are not ones that systemd writes.
std::optional<Duration> watchdog_interval(const Environment& environment) noexcept;

}  // namespace weir::systemd
