#include "core/platform/run_directory.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "core/base/path.hpp"
#include "core/platform/program.hpp"

namespace weir::platform {

std::vector<std::string> run_directories() {
  std::vector<std::string> all;
  for (const char* variable : {"ProgramData", "LOCALAPPDATA"}) {
    const auto directory = environment_variable(variable);
    if (directory && !directory->empty()) all.push_back(*directory + "\\weir\\run");
  }
  return all;
}

Error make_run_directory(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path_of(path), failed);
  return failed ? Error(Errc::permission_denied, failed.value()) : Error{};
}

// What lies there only names pipes, and the pipes have access rights of their own.
bool is_trusted_run_directory(const std::string&) { return true; }

bool remove_stale_socket(const std::string&) noexcept { return false; }

// The access rights of the pipe have decided.
Peer peer_of(const Handle&) noexcept { return Peer::unknown; }

}  // namespace weir::platform
