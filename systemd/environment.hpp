#pragma once
// The variables with which systemd starts a service. They are taken out of the process's environment, so that programs
// started later, such as health-check scripts, neither speak for weir nor mistake its descriptors for theirs.
// Main thread, before any other thread starts. Everything else in systemd/ reads this struct and never the environment.

#include <cstdint>
#include <string>
#include <vector>

namespace weir::systemd {

// Values as they are; empty: not set.
struct Environment {
  std::string notify_socket;   // NOTIFY_SOCKET
  std::string watchdog_usec;   // WATCHDOG_USEC
  std::string watchdog_pid;    // WATCHDOG_PID
  std::string listen_pid;      // LISTEN_PID
  std::string listen_fds;      // LISTEN_FDS
  std::string listen_fdnames;  // LISTEN_FDNAMES
  std::string journal_stream;  // JOURNAL_STREAM; stays in the environment: it names a stream and gives no right
  std::uint32_t process = 0;   // the one that the PIDs are compared with: this one
};

// Reads and removes them. The second call finds only JOURNAL_STREAM. Not on Linux: only `process` is set.
Environment take_environment();

// "NAME=value" for the process that takes over in a binary upgrade, so that it can notify and feed the watchdog.
// systemd listens to it once Notifier::main_process has named it.
std::vector<std::string> environment_of_successor(const Environment& environment);

}  // namespace weir::systemd
