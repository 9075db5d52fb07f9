#include "core/platform/program.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#ifdef __APPLE__
#include <libproc.h>
#endif

namespace weir::platform {

std::vector<std::string> arguments(int argc, char** argv) { return {argv + (argc > 0 ? 1 : 0), argv + argc}; }

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::optional<std::string> take_environment_variable(const std::string& name) {
  auto value = environment_variable(name);
  ::unsetenv(name.c_str());
  return value;
}

std::uint32_t process_id() noexcept { return static_cast<std::uint32_t>(::getpid()); }

#if defined(__linux__)

// The link names the file even after an upgrade has replaced it. It can be read for processes of the same user only;
// the name of the command, cut to 15 characters, for all.
std::optional<std::string> program_of(std::uint32_t process) {
  const std::string folder = "/proc/" + std::to_string(process);
  std::error_code unreadable;
  std::string name = std::filesystem::read_symlink(folder + "/exe", unreadable).filename().string();
  constexpr std::string_view replaced = " (deleted)";
  if (name.ends_with(replaced)) name.resize(name.size() - replaced.size());
  if (unreadable) std::getline(std::ifstream(folder + "/comm"), name);
  if (name.empty()) return std::nullopt;
  return name;
}

#elif defined(__APPLE__)

std::optional<std::string> program_of(std::uint32_t process) {
  char path[PROC_PIDPATHINFO_MAXSIZE];
  const int size = ::proc_pidpath(static_cast<int>(process), path, sizeof path);
  if (size <= 0) return std::nullopt;
  const std::string_view text(path, static_cast<std::size_t>(size));
  return std::string(text.substr(text.rfind('/') + 1));
}

#else

std::optional<std::string> program_of(std::uint32_t) { return std::nullopt; }

#endif

bool shows_colours(std::FILE* stream) noexcept { return ::isatty(::fileno(stream)) == 1; }

void prepare_standard_streams() noexcept {}  // they take bytes as they are

std::vector<std::string> default_configuration_files() { return {"/etc/weir/weir.yaml", "weir.yaml"}; }

}  // namespace weir::platform
