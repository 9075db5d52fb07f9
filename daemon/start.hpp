#pragma once
// Start: how this process came to be: its command line, what a service manager says in the environment, and what it was given.
// Taken first thing on the main thread.

#include "core/platform/successor.hpp"
#include "daemon/inheritance.hpp"
#include "systemd/environment.hpp"

namespace weir::daemon {

struct Start {
  platform::CommandLine command_line;
  systemd::Environment environment;
  Inheritance inheritance;
};

inline Start take_start(int argc, char** argv) {
  Start start;
  start.command_line = platform::own_command_line(argc, argv);
  start.environment = systemd::take_environment();
  start.inheritance = take_inheritance(start.environment);
  return start;
}

}  // namespace weir::daemon
