#pragma once
// run_child: a program from its start to its end as one task: a time limit, what it printed up to a bound, and nothing
// left of it afterwards: no process of its tree, no zombie, no descriptor. It owns the child and its pipe meanwhile.
// The reactor's thread; it never blocks it, and never asks a shell.

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/time.hpp"
#include "core/coro/cancel.hpp"
#include "core/coro/task.hpp"
#include "core/reactor/child.hpp"

namespace weir {

class Reactor;

struct RunSpec {
  std::vector<std::string> argv;                 // never empty; argv[0] without a separator is looked up in PATH
  std::vector<EnvironmentVariable> environment;  // added to this process's own
  std::string working_directory;                 // empty: this process's
  Duration timeout{};                            // from when it was started; 0: none
  std::size_t max_output = 4096;                 // bytes that are kept of what it prints; the rest is read and dropped
};

enum class RunEnd : std::uint8_t {
  exited,       // by itself, or by a signal from outside: RunResult::status says which
  timed_out,    // and was killed, with all it had started
  cancelled,    // likewise; or it was not started any more
  not_started,  // RunResult::error tells why: not_found, permission_denied, descriptor_limit, not_supported, ...
};

struct RunResult {
  RunEnd end = RunEnd::not_started;
  Error error;                // of a start that failed; set beside `exited` when the status could not be learned
  ExitStatus status;          // of the program itself
  std::string output;         // stdout and stderr as they came, at most max_output bytes
  std::uint64_t dropped = 0;  // bytes beyond those
  Duration took{};            // from the start to the end of the program

  bool succeeded() const noexcept { return end == RunEnd::exited && !error && status.success(); }
};

// The program has ended when its own process has: what it left running in its group is killed then. `spec` is alive
// until the task has ended, and so is the token's source. Its stdin is the null device.
Task<RunResult> run_child(Reactor& reactor, const RunSpec& spec, CancelToken token = {});

}  // namespace weir
