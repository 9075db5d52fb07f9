#pragma once
// The commands that reach a running weir by its control socket: status, stop, drain, reload, reopen-logs, upgrade. Finds it,
// asks it, prints its verdict. Main thread, which has nothing else to do.

#include <string>
#include <vector>

#include "daemon/cli.hpp"
#include "daemon/control/place.hpp"
#include "daemon/json.hpp"

namespace weir::daemon {

int control(const ControlCommand& command);

// One that was asked for its status.
struct Found {
  Candidate candidate;
  std::string config;  // absolute; empty: it has no file
  std::string silent;  // why it gave no status; empty: it did
};

// Which of those that are running is meant, or what to say to the user, with a code.
struct Choice {
  const Found* found = nullptr;
  std::string problem;
  int exit_code = 0;
};
// `config`: absolute; empty: any. `looked_in` and `denied` are for the message that there is none.
Choice choose(const std::vector<Found>& running, const std::string& config, const std::vector<std::string>& looked_in,
              std::size_t denied);

// What people are shown of an answer: the table of a status, the lines of a verdict. Control characters are made visible.
std::string status_table(const JsonValue& status);
std::string verdict_text(const JsonValue& verdict);

}  // namespace weir::daemon
