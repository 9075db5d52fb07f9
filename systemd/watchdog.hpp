#pragma once
// WatchdogSec= of the unit: systemd kills a service that has not said Notifier::alive for so long. Any thread.

#include <optional>

#include "core/base/time.hpp"
#include "systemd/environment.hpp"

namespace weir::systemd {

// How long weir may be silent; say it is alive at half of it. Nothing: nobody watches this process (no or another
// WATCHDOG_PID's, or values that systemd would not write).
std::optional<Duration> watchdog_interval(const Environment& environment) noexcept;

}  // namespace weir::systemd
