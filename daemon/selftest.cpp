#include "daemon/selftest.hpp"

#include <fmt/format.h>

#include <chrono>

#include "core/backends/registry.hpp"
#include "core/platform/descriptors.hpp"
#include "daemon/commands.hpp"
#include "daemon/configuration.hpp"
#include "daemon/json.hpp"
#include "daemon/platforms.hpp"
#include "daemon/version.hpp"

namespace weir::daemon {
namespace {

struct Trial {
  BackendReport backend;
  SuiteResult result;
  std::vector<std::string_view> rules;  // ids of those that were met
  double seconds = 0;

  bool tried() const noexcept { return backend.state == BackendReport::State::works; }
};

// The rules by which something was refused since `before` was taken.
std::vector<std::uint64_t> refusals() {
  std::vector<std::uint64_t> counts;
  for (const Restriction& row : restrictions()) counts.push_back(times_refused(rule_named(row.id)));
  return counts;
}

Trial try_backend(const BackendReport& backend, Suite suite) {
  Trial trial{backend, {}, {}, 0};
  if (!trial.tried()) return trial;
  const std::vector<std::uint64_t> before = refusals();
  const auto began = std::chrono::steady_clock::now();
  trial.result = suite(name_of(backend.kind));
  trial.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const std::vector<std::uint64_t> after = refusals();
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i] > before[i]) trial.rules.push_back(restrictions()[i].id);
  }
  return trial;
}

void print_text(const Trial& trial) {
  if (!trial.tried()) {
    fmt::print("  {:<9} not tried: {}\n", name_of(trial.backend.kind), trial.backend.reason);
    return;
  }
  fmt::print("  {:<9} {} passed, {} failed in {:.1f} s; rules met: {}\n", name_of(trial.backend.kind),
             trial.result.passed, trial.result.failed, trial.seconds,
             trial.rules.empty() ? "none" : fmt::format("{}", fmt::join(trial.rules, ", ")));
  for (const std::string& failure : trial.result.failures) fmt::print("    FAILED {}\n", failure);
}

std::string quoted_list(const auto& texts) {
  std::vector<std::string> quoted;
  for (const auto& text : texts) quoted.push_back(json_quoted(text));
  return fmt::format("[{}]", fmt::join(quoted, ","));
}

std::string as_json(const Trial& trial) {
  return fmt::format(
      R"({{"name":{},"tried":{},"reason":{},"passed":{},"failed":{},"seconds":{:.3f},"rules":{},"failures":{}}})",
      json_quoted(name_of(trial.backend.kind)), trial.tried(), json_quoted(trial.backend.reason), trial.result.passed,
      trial.result.failed, trial.seconds, quoted_list(trial.rules), quoted_list(trial.result.failures));
}

}  // namespace

int selftest(const SelftestCommand& command, Suite suite) {
  if (suite == nullptr) {
    fmt::print(stderr, "weir: this build has no selftest: it was built with WEIR_SELFTEST=OFF\n");
    return exit_failed_start;
  }
  if (const std::string wrong = wrong_backend(command.backend); !wrong.empty()) {
    fmt::print(stderr, "weir: --backend: {}\n", wrong);
    return exit_usage;
  }
  platform::raise_descriptor_limit();
  if (command.form != TextForm::json) fmt::print("weir {} selftest on {}\n", version(), title_of(compiled_os()));
  std::vector<std::string> objects;
  std::size_t tried = 0;
  bool passed = true;
  for (const BackendReport& backend : backend_reports()) {
    const bool asked_for = command.backend == name_of(backend.kind) || (command.backend == "auto" && backend.chosen);
    const bool offered = backend.state == BackendReport::State::works || backend.state == BackendReport::State::fails;
    if (command.backend.empty() ? !offered : !asked_for) continue;
    const Trial trial = try_backend(backend, suite);
    tried += trial.tried() ? 1 : 0;
    passed = passed && (trial.tried() ? trial.result.failed == 0 && trial.result.passed > 0 : command.backend.empty());
    if (command.form == TextForm::json) {
      objects.push_back(as_json(trial));
    } else {
      print_text(trial);
      std::fflush(stdout);
    }
  }
  passed = passed && tried > 0;
  if (command.form == TextForm::json) {
    fmt::print("{{\"version\":{},\"system\":{},\"passed\":{},\"backends\":[{}]}}\n", json_quoted(version()),
               json_quoted(name_of(compiled_os())), passed, fmt::join(objects, ","));
  } else {
    fmt::print("{}\n", passed ? "passed" : "FAILED");
  }
  return passed ? exit_ok : exit_failed_start;
}

}  // namespace weir::daemon
