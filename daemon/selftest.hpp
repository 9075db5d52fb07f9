#pragma once
// The command `selftest`: runs the conformance suite of this build on this machine and passes judgement. The suite is
// the one of tests/conformance, linked in where the build has WEIR_SELFTEST; it costs a run nothing, since it registers
// itself only when it is asked for. Main thread; opens sockets on loopback, pipes, and a temporary file.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/reactor/restrictions.hpp"

namespace weir::daemon {

// What the suite found out about one backend.
struct SuiteResult {
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::vector<std::string> failures;  // a line each: test, place, what was expected
};

// Runs every test of one backend. Several backends one after the other are fine.
using Suite = SuiteResult (*)(std::string_view backend);

Suite linked_suite() noexcept;  // null: not compiled into this build

// The tests of child processes start this very program: then it does what they ask, and that is its exit code. Nothing:
// this is an ordinary start. First thing in main.
std::optional<int> run_as_test_child(int argc, char** argv);

}  // namespace weir::daemon
