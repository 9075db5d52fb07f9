#include "daemon/configuration.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/load.hpp"
#include "config/text.hpp"
#include "core/backends/registry.hpp"
#include "core/base/path.hpp"
#include "core/platform/descriptors.hpp"
#include "core/platform/threads.hpp"

namespace weir::daemon {
namespace {

bool compiled(std::string_view name) {
  const auto known = compiled_backends();
  return std::any_of(known.begin(), known.end(), [&](const BackendInfo& it) { return it.name == name; });
}

// A backend that this system has and this build has not.
void left_out(const std::string& name, const config::Diagnostic& place, std::vector<config::Diagnostic>& findings) {
  const auto kind = backend_named(name);
  if (!kind || compiled(name) || !exists({compiled_os(), 0, *kind})) return;
  config::Diagnostic found = place;
  found.message = why_missing(name);
  found.hint = "`weir platforms` lists what this build and this machine offer";
  findings.push_back(std::move(found));
}

// A backend that this system does not have and this build has all the same (kqueue through libkqueue): asking for it in
// the file is asking for it with --backend.
config::Target with_backend_of_build(config::Target target, const std::string& name) {
  const auto kind = backend_named(name);
  if (target.backend_given || !kind || !compiled(name) || exists({compiled_os(), 0, *kind})) return target;
  target.platform.backend = *kind;
  target.backend_given = true;
  return target;
}

}  // namespace

config::Target host_target() {
  config::Target target;
  target.platform = {compiled_os(), 0, preferred_backend(compiled_os())};
  target.workers = static_cast<std::uint32_t>(platform::usable_processors());
  target.descriptors = platform::raise_descriptor_limit();
  return target;
}

config::Target run_target(std::string_view backend) {
  config::Target target = host_target();
  if (const auto kind = backend_named(backend)) {
    target.platform.backend = *kind;
    target.backend_given = true;
  } else if (const auto made = make_backend("auto")) {
    target.platform = (*made)->capabilities().platform;
    target.backend_given = backend == "auto";
  }
  return target;
}

Configuration load_configuration(const std::string& file, const std::vector<config::Target>& targets, bool here) {
  const Os os = targets.front().platform.os;
  config::LoadResult loaded = config::load_file(path_of(file), os);
  Configuration configuration;
  configuration.diagnostics = std::move(loaded.diagnostics);
  configuration.systems = std::move(loaded.systems);
  configuration.programs = std::move(loaded.demands.programs);
  if (!loaded) return configuration;
  std::vector<config::Diagnostic> findings;
  if (here && loaded.demands.backend && !targets.front().backend_given) {
    left_out(loaded.spec->runtime.backend, *loaded.demands.backend, findings);
  }
  for (const config::Target& wanted : targets) {
    const config::Target target = here ? with_backend_of_build(wanted, loaded.spec->runtime.backend) : wanted;
    configuration.platforms.push_back(config::effective_platform(*loaded.spec, target));
    for (config::Diagnostic& finding : config::judge(*loaded.spec, loaded.demands, target)) {
      findings.push_back(std::move(finding));
    }
  }
  for (config::Diagnostic& finding : config::merged(std::move(findings))) {
    configuration.diagnostics.push_back(std::move(finding));
  }
  if (config::has_errors(configuration.diagnostics)) return configuration;
  configuration.spec = std::move(loaded.spec);
  return configuration;
}

std::string wrong_backend(std::string_view name) {
  if (name.empty() || name == "auto" || compiled(name)) return {};
  const auto known = backend_names();
  const std::string_view meant = backend_named(name) ? std::string_view{} : config::closest(name, known);
  return why_missing(name) + (meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant));
}

}  // namespace weir::daemon
