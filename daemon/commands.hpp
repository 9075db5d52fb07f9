#pragma once
// The commands, each from its values to the exit code. They print; main() only chooses. Main thread.

#include "daemon/cli.hpp"

namespace weir::daemon {

int run(const RunCommand& command);
int check(const CheckCommand& command);
int version(const VersionCommand& command);
int proxy(const ProxyCommand& command);
int say(const Message& message);

// /etc/weir/weir.yaml, else weir.yaml here; empty when there is neither.
std::string default_file();

}  // namespace weir::daemon
