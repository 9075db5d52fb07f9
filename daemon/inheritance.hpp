#pragma once
// What a process is given at its start: listening sockets from systemd, or from the weir that it takes the place of, and the
// pipe on which that one waits. Main thread, before any other.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/platform/successor.hpp"
#include "daemon/lifecycle.hpp"
#include "daemon/listening.hpp"
#include "systemd/environment.hpp"

namespace weir::daemon {

struct Inheritance {
  std::vector<Inherited> sockets;
  std::optional<int> ready;           // its writer closes it when everything listens
  std::vector<std::string> problems;  // what could not be made out
};

// Takes what there is, and removes the traces from the environment: programs that are started later get nothing of it.
Inheritance take_inheritance(const systemd::Environment& environment);

// For the process that takes over: the descriptors it gets, and what tells it so. Descriptors as in start_successor.
struct Bequest {
  std::vector<NativeHandle> descriptors;
  std::vector<EnvironmentVariable> environment;
};
Bequest bequeath(const std::vector<KeptSocket>& sockets, NativeHandle ready, const systemd::Environment& environment);

}  // namespace weir::daemon
