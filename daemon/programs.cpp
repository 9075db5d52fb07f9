#include "daemon/programs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/backends/registry.hpp"
#include "core/base/path.hpp"
#include "core/platform/program.hpp"

namespace weir::daemon {
namespace {

namespace fs = std::filesystem;

enum class Found { nothing, other, not_executable, program };

Found look_at(const fs::path& file) {
  std::error_code code;
  const fs::file_status status = fs::status(file, code);
  if (!fs::exists(status)) return Found::nothing;
  if (!fs::is_regular_file(status)) return Found::other;
  if (compiled_os() == Os::windows) return Found::program;  // there no permission tells what can be executed
  constexpr fs::perms any_execute = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
  return (status.permissions() & any_execute) == fs::perms::none ? Found::not_executable : Found::program;
}

// The file as it is named, on Windows also with the endings of what can be executed there.
Found look_with_endings(const fs::path& file) {
  Found best = look_at(file);
  if (compiled_os() != Os::windows || best == Found::program) return best;
  for (const char* ending : {".exe", ".com", ".cmd", ".bat"}) {
    best = std::max(best, look_at(fs::path(file) += ending));
  }
  return best;
}

std::string in_search_path(const std::string& name) {
  const char separator = compiled_os() == Os::windows ? ';' : ':';
  const std::string search = platform::environment_variable("PATH").value_or("");
  Found best = Found::nothing;
  for (std::string_view rest = search; !rest.empty();) {
    const std::string_view place = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(rest.size(), place.size() + 1));
    const fs::path directory = path_of(place);
    if (directory.is_absolute()) best = std::max(best, look_with_endings(directory / path_of(name)));
  }
  switch (best) {
    case Found::program: return {};
    case Found::not_executable: return fmt::format("the \"{}\" in PATH is not executable", name);
    case Found::nothing:
    case Found::other: break;
  }
  return fmt::format("no directory in PATH has a program \"{}\"", name);
}

}  // namespace

std::string why_not_startable(const std::string& program) {
  const fs::path file = path_of(program);
  if (!file.has_parent_path()) return in_search_path(program);
  switch (look_with_endings(file)) {
    case Found::program: return {};
    case Found::nothing: return fmt::format("there is no file {}", program);
    case Found::other: return fmt::format("{} is a directory or a device, not a program", program);
    case Found::not_executable: return fmt::format("{} is not executable", program);
  }
  return {};
}

std::vector<config::Diagnostic> missing_programs(const std::vector<config::Program>& programs) {
  std::vector<config::Diagnostic> findings;
  for (const config::Program& program : programs) {
    std::string why = why_not_startable(program.name);
    if (why.empty()) continue;
    config::Diagnostic found = program.place;
    found.severity = config::Severity::warning;
    const bool permission = why.ends_with("is not executable");
    found.message = std::move(why);
    found.hint = permission ? fmt::format("run chmod +x {}; until then every check fails and the endpoints are down",
                                         program.name)
                            : "every check fails until it exists, and the endpoints are down; a relative path is "
                              "relative to the directory of this file";
    findings.push_back(std::move(found));
  }
  return findings;
}

}  // namespace weir::daemon
