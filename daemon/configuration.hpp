#pragma once
// A configuration file as a command takes it: read for this system, judged for the platform it is to run on. What
// `weir check` would say and what `weir run` refuses come from the same place: here. Start-up and reload; one thread at
// a time; opens nothing but the files that the configuration names.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/platform_check.hpp"
#include "core/proxy/spec.hpp"

namespace weir::daemon {

struct Configuration {
  std::shared_ptr<const proxy::Spec> spec;      // null: refused, and a diagnostic is an error
  std::vector<config::Diagnostic> diagnostics;  // what is wrong in the file, then what the platform says
  std::vector<Platform> platforms;              // what it was judged for; empty: the file is wrong anywhere
  std::vector<Os> systems;                      // those it has overrides for
  std::vector<config::Program> programs;        // that it starts

  explicit operator bool() const noexcept { return spec != nullptr; }
};

// This system with its processors and its limit of descriptors, and with the backend that `auto` is expected to take.
config::Target host_target();

// The same for a run: `auto` is the backend that can really be created. `backend` is that of --backend, which beats the
// file; empty: none was given.
config::Target run_target(std::string_view backend);

// Reads the file for the system of the targets, with its overrides, and judges it for each of them; they are all of one
// system. `here`: this very build is to run it, so that a backend which was left out of it is refused, too.
Configuration load_configuration(const std::string& file, const std::vector<config::Target>& targets, bool here);

// What is wrong with a name given to --backend, as a sentence; empty: it is "auto" or can be asked for here.
std::string wrong_backend(std::string_view name);

}  // namespace weir::daemon
