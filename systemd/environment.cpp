#include "systemd/environment.hpp"

namespace weir::systemd {

std::vector<std::string> environment_of_successor(const Environment& environment) {
  std::vector<std::string> out;
  if (!environment.notify_socket.empty()) out.push_back("NOTIFY_SOCKET=" + environment.notify_socket);
  // Without WATCHDOG_PID, which is not known before the process exists, the interval applies to any process.
  if (!environment.watchdog_usec.empty()) out.push_back("WATCHDOG_USEC=" + environment.watchdog_usec);
  return out;
}

}  // namespace weir::systemd
