#pragma once
// `weir service VERB`: weir as a service of the system that it runs on. Prints; main thread.

#include <functional>
#include <optional>

#include "daemon/cli.hpp"

namespace weir::daemon {

// The exit code of `weir service status` when the service is not running, as systemctl has it.
inline constexpr int exit_not_running = 3;

int service(const ServiceCommand& command);

// What the process of an installed service does: the main thread is the service control manager's until the end, and
// `run` is called on another one; its result is an exit code. Nothing: no service control manager started this process,
// and `run` was not called.
std::optional<int> perform_as_service(const std::function<int()>& run);

}  // namespace weir::daemon
