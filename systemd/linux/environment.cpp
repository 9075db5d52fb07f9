#include "systemd/environment.hpp"

#include <stdlib.h>

#include "core/platform/program.hpp"

namespace weir::systemd {
namespace {

std::string take(const char* name) {
  std::string value = platform::environment_variable(name).value_or("");
  ::unsetenv(name);
  return value;
}

}  // namespace

Environment take_environment() {
  Environment environment;
  environment.notify_socket = take("NOTIFY_SOCKET");
  environment.watchdog_usec = take("WATCHDOG_USEC");
  environment.watchdog_pid = take("WATCHDOG_PID");
  environment.listen_pid = take("LISTEN_PID");
  environment.listen_fds = take("LISTEN_FDS");
  environment.listen_fdnames = take("LISTEN_FDNAMES");
  take("LISTEN_PIDFDID");  // since systemd 257; LISTEN_PID says enough
  environment.journal_stream = platform::environment_variable("JOURNAL_STREAM").value_or("");
  environment.process = platform::process_id();
  return environment;
}

}  // namespace weir::systemd
