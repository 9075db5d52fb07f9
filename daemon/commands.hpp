#pragma once
// The commands, each from its values to the exit code. They print; main() only chooses. Main thread.

#include "daemon/cli.hpp"
#include "daemon/selftest.hpp"
#include "daemon/start.hpp"

namespace weir::daemon {

// The file that is read when none is named; empty: there is none, which no_file() says.
std::string default_file();
int no_file();

int run(const RunCommand& command, const Start& start);
int check(const CheckCommand& command);
int selftest(const SelftestCommand& command, Suite suite);
int platforms(const PlatformsCommand& command);
int version(const VersionCommand& command);
int proxy(const ProxyCommand& command, const Start& start);
int signal(const SignalCommand& command);
int say(const Message& message);

}  // namespace weir::daemon
