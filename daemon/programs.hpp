#pragma once
// Looks whether the programs that a configuration starts are there and may be executed, as this process would start
// them: a file, or a name in PATH. Reads the file system and the environment; starts nothing. Any thread.

#include <string>
#include <vector>

#include "config/demands.hpp"

namespace weir::daemon {

// What is in the way of starting the program, as a sentence; empty: nothing is.
std::string why_not_startable(const std::string& program);

// A warning for each program that cannot be started: its endpoint would be down from the first check on.
std::vector<config::Diagnostic> missing_programs(const std::vector<config::Program>& programs);

}  // namespace weir::daemon
