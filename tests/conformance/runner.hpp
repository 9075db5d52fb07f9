#pragma once
// Runner: programs by run_child, on a reactor over a rig's backend. The rig outlives it. One thread, and any: nothing
// in it speaks to the test framework, which knows one thread only.

#include <string>
#include <utility>
#include <vector>

#include "core/reactor/reactor.hpp"
#include "core/reactor/run_child.hpp"
#include "tests/conformance/rig.hpp"

namespace weir::conformance {

inline Task<void> run_into(Reactor& reactor, RunSpec spec, CancelToken token, RunResult& result) {
  result = co_await run_child(reactor, spec, token);
}

struct Runner {
  explicit Runner(Rig& rig) : test_child(rig.test_child()), reactor(rig.release_backend()) {}

  // The test child with these arguments.
  RunSpec spec(std::vector<std::string> arguments) const {
    RunSpec made;
    made.argv = std::move(arguments);
    made.argv.insert(made.argv.begin(), test_child);
    return made;
  }
  RunResult run(const RunSpec& spec, CancelToken token = {}) {
    RunResult result;
    reactor.run(run_into(reactor, spec, token, result));
    return result;
  }

  std::string test_child;
  Reactor reactor;
};

}  // namespace weir::conformance
