#include "core/platform/posix/spawning.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "core/platform/errors.hpp"
#include "core/platform/posix/descriptors.hpp"
#ifdef __APPLE__
#include <crt_externs.h>
#else
extern char** environ;
#endif

namespace weir::platform {
namespace {

// The last resort where nothing says where programs are.
constexpr std::string_view default_path = "/usr/local/bin:/usr/bin:/bin";

char** own_environment() noexcept {
#ifdef __APPLE__
  return *::_NSGetEnviron();
#else
  return environ;
#endif
}

std::string_view value_in(const std::vector<std::string>& environment, std::string_view name) noexcept {
  for (const std::string& entry : environment) {
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return std::string_view(entry).substr(name.size() + 1);
    }
  }
  return {};
}

bool is_program(const std::string& path) noexcept {
  struct stat found;
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode);
}

}  // namespace

bool make_pipe(Descriptor& read_end, Descriptor& write_end) noexcept {
  int ends[2];
#ifdef __APPLE__
  // A process started in between inherits nothing even so: POSIX_SPAWN_CLOEXEC_DEFAULT.
  if (::pipe(ends) != 0) return false;
  read_end = Descriptor(ends[0]);
  write_end = Descriptor(ends[1]);
  if (!make_private_to_process(ends[0]) || !make_private_to_process(ends[1])) return false;
#else
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end = Descriptor(ends[0]);
  write_end = Descriptor(ends[1]);
#endif
  return read_end.move_from_standard_streams() && write_end.move_from_standard_streams();
}

std::vector<char*> pointers_to(std::span<const std::string> strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& one : strings) pointers.push_back(const_cast<char*>(one.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> merged_environment(std::span<const EnvironmentVariable> wanted) {
  std::vector<std::string> merged;
  for (char** entry = own_environment(); entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(wanted.begin(), wanted.end(), [&](const auto& one) { return one.name == name; });
    if (!replaced) merged.emplace_back(text);
  }
  for (const EnvironmentVariable& one : wanted) merged.push_back(one.name + "=" + one.value);
  return merged;
}

// The file to execute. The system's own search (posix_spawnp) hands what it cannot execute to a shell in places, and
// takes this process's PATH; ours is the child's. Relative places are passed over: they mean another one in the child's
// working directory.
Error find_program(const std::string& name, const std::vector<std::string>& environment, std::string& found) {
  if (name.find('/') != std::string::npos) {
    found = name;
    return {};
  }
  if (name.empty()) return Errc::not_found;
  std::string_view places = value_in(environment, "PATH");
  if (places.empty()) places = default_path;
  Error error = Errc::not_found;
  while (!places.empty()) {
    const std::string_view place = places.substr(0, places.find(':'));
    places.remove_prefix(std::min(places.size(), place.size() + 1));
    if (!place.starts_with('/')) continue;
    found.assign(place).append("/").append(name);
    if (!is_program(found)) continue;
    if (::access(found.c_str(), X_OK) == 0) return {};
    error = Error(Errc::permission_denied, EACCES);
  }
  return error;
}

SpawnOrders::SpawnOrders() noexcept {
  note(::posix_spawnattr_init(&attributes_));
  if (good()) made_ = Made::attributes;
  if (good()) note(::posix_spawn_file_actions_init(&actions_));
  if (good()) made_ = Made::both;
}

SpawnOrders::~SpawnOrders() {
  if (made_ == Made::both) ::posix_spawn_file_actions_destroy(&actions_);
  if (made_ != Made::nothing) ::posix_spawnattr_destroy(&attributes_);
}

Error SpawnOrders::carry_out(const std::string& program, char** argv, char** environment, pid_t& id) noexcept {
  if (good()) note(::posix_spawn(&id, program.c_str(), &actions_, &attributes_, argv, environment));
  return good() ? Error{} : error_from(result_);
}

}  // namespace weir::platform
