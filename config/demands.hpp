#pragma once
// Demands: what a configuration asks of the platform it is to run on, each with its place. The reader notes them while
// it reads, whatever the platform; platform_check.hpp judges them. Plain values that outlive the tree.

#include <optional>
#include <string>
#include <vector>

#include "config/diagnostic.hpp"
#include "core/base/time.hpp"
#include "core/reactor/restrictions.hpp"

namespace weir::config {

struct Demand {
  Feature feature;
  std::string what;  // a sentence about this value: "\"unix:/run/app.sock\" is a unix socket"
  Diagnostic place;  // file, line, column, key path and source line are set
};

// A duration that some platform's clock cannot tell from a longer one.
struct ShortWait {
  Duration value;
  Diagnostic place;
};

// A program that will be started. One without a separator is looked up in PATH.
struct Program {
  std::string name;
  Diagnostic place;
};

struct Demands {
  std::vector<Demand> features;
  std::vector<Program> programs;
  std::vector<ShortWait> waits;
  // Where the numbers of sockets come from; the numbers themselves are the Spec's.
  std::optional<Diagnostic> backend;      // runtime.backend, when it is not auto
  std::optional<Diagnostic> first_bind;   // the first address that is listened on
  std::optional<Diagnostic> connections;  // the largest max_connections
  std::optional<Diagnostic> idle_pool;    // the largest max_idle that was written
  std::uint64_t most_connections = 0;
  std::uint64_t idle_connections = 0;  // by every max_idle that was written: each times its endpoints, per worker
  std::uint64_t most_idle = 0;
};

// Waits at least as long as this are not noted: the step of the coarsest clock in the table.
Duration coarsest_clock() noexcept;

}  // namespace weir::config
