#pragma once
// The lifecycle of a service of systemd: notices become messages to its notify socket. What cannot be sent is counted, told
// once, and ready() is said again until it was heard. The control thread's.

#include <memory>

#include "daemon/lifecycle.hpp"

namespace weir::daemon {

// Null: the process has no notify socket.
std::unique_ptr<Lifecycle> systemd_lifecycle(const systemd::Environment& environment);

}  // namespace weir::daemon
