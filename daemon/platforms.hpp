#pragma once
// The command `platforms`: what this build offers on this machine, found out by trying, and what each system cannot do,
// as the restriction table has it. Main thread; a backend is created and thrown away.

#include <string>
#include <vector>

#include "core/reactor/platforms.hpp"

namespace weir::daemon {

// One backend on this machine.
struct BackendReport {
  BackendKind kind{};
  enum class State : std::uint8_t {
    works,      // it was really created
    fails,      // compiled in, and creating it failed
    left_out,   // it exists on this system, and this build has it not
    elsewhere,  // it exists on other systems only
  } state = State::elsewhere;
  bool chosen = false;  // by `auto`
  std::string reason;   // why, or why not: a sentence
};

// Every backend there is: those of this system in the order of `auto`, then the others.
std::vector<BackendReport> backend_reports();

// What is refused to a platform, or bounded: the rules in the order of the table.
std::vector<RuleId> rules_of(const Platform& platform);

std::string platforms_text();
std::string platforms_json();
std::string platforms_markdown();  // docs/platforms.md: the same on every machine

}  // namespace weir::daemon
