#include "core/platform/program.hpp"

#include <unistd.h>

#include <cstdlib>

namespace weir::platform {

std::vector<std::string> arguments(int argc, char** argv) { return {argv + (argc > 0 ? 1 : 0), argv + argc}; }

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::uint32_t process_id() noexcept { return static_cast<std::uint32_t>(::getpid()); }

void prepare_standard_streams() noexcept {}  // they take bytes as they are

std::vector<std::string> default_configuration_files() { return {"/etc/weir/weir.yaml", "weir.yaml"}; }

}  // namespace weir::platform
