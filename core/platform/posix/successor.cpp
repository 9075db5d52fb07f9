#include "core/platform/successor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "core/platform/errors.hpp"
#include "core/platform/posix/descriptors.hpp"
#include "core/platform/posix/orphans.hpp"

extern char** environ;

namespace weir::platform {
namespace {

constexpr int first_passed = 3;

// Copies of the descriptors above those numbers that they are to have. Closed with it.
class Copies {
 public:
  explicit Copies(std::span<const NativeHandle> descriptors) {
    const int above = first_passed + static_cast<int>(descriptors.size());
    for (const NativeHandle native : descriptors) fds_.push_back(::fcntl(static_cast<int>(native), F_DUPFD_CLOEXEC, above));
  }
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;
  ~Copies() {
    for (const int fd : fds_)
      if (fd >= 0) ::close(fd);
  }
  const std::vector<int>& fds() const noexcept { return fds_; }
  bool complete() const noexcept {
    for (const int fd : fds_)
      if (fd < 0) return false;
    return true;
  }

 private:
  std::vector<int> fds_;
};

bool sets(const std::string& assignment, const char* variable) noexcept {
  const std::size_t name = assignment.find('=') + 1;
  return assignment.compare(0, name, variable, name) == 0;
}

std::vector<char*> environment_with(std::span<const std::string> added) {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    bool replaced = false;
    for (const std::string& one : added) replaced = replaced || sets(one, *variable);
    if (!replaced) variables.push_back(*variable);
  }
  for (const std::string& one : added) variables.push_back(const_cast<char*>(one.c_str()));
  variables.push_back(nullptr);
  return variables;
}

int spawn(pid_t& process, const CommandLine& command, const std::vector<int>& fds, char** environment) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  for (std::size_t i = 0; i < fds.size(); ++i)
    ::posix_spawn_file_actions_adddup2(&actions, fds[i], first_passed + static_cast<int>(i));
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> argv{const_cast<char*>(command.program.c_str())};
  for (const std::string& argument : command.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int error = ::posix_spawn(&process, command.program.c_str(), &actions, &attributes, argv.data(), environment);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  return error;
}

// A program that was named without a directory was found in PATH.
std::string in_path(const std::string& name) {
  const char* search = ::getenv("PATH");
  std::string rest = search != nullptr ? search : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string file = rest.substr(0, end) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    rest.erase(0, end + 1);
  }
  return name;
}

}  // namespace

CommandLine own_command_line(int argc, char** argv) {
  CommandLine command;
  const std::string name = argc > 0 ? argv[0] : "weir";
  std::error_code ignored;
  const std::string found = name.find('/') == name.npos ? in_path(name) : name;
  command.program = std::filesystem::absolute(found, ignored).lexically_normal().string();
  for (int i = 1; i < argc; ++i) command.arguments.emplace_back(argv[i]);
  return command;
}

Result<std::uint32_t> start_successor(const CommandLine& command, std::span<const NativeHandle> descriptors,
                                      std::span<const std::string> environment) noexcept try {
  const Copies copies(descriptors);
  if (!copies.complete()) return std::unexpected(last_error());
  std::vector<char*> variables = environment_with(environment);
  pid_t process = 0;
  StartingChild starting;
  if (const int error = spawn(process, command, copies.fds(), variables.data())) return std::unexpected(error_from(error));
  starting.started(process);
  return static_cast<std::uint32_t>(process);
} catch (const std::bad_alloc&) { return std::unexpected(Error(Errc::out_of_memory)); }

Result<ReadyPipe> make_ready_pipe() noexcept {
  int ends[2];
  if (::pipe(ends) != 0) return std::unexpected(last_error());
  for (const int fd : ends) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return ReadyPipe{ends[0], ends[1]};
}

void close_descriptor(NativeHandle native) noexcept { ::close(static_cast<int>(native)); }

bool wait_until_ready(NativeHandle reads, Duration longest) noexcept {
  pollfd one{static_cast<int>(reads), POLLIN, 0};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(longest).count();
  if (::poll(&one, 1, static_cast<int>(ms)) <= 0) return false;
  char byte = 0;
  return ::read(static_cast<int>(reads), &byte, 1) == 1;
}

void let_go_of_successor(std::uint32_t process) noexcept { forget_child(static_cast<pid_t>(process)); }

void kill_successor(std::uint32_t process) noexcept { ::kill(static_cast<pid_t>(process), SIGKILL); }

std::string how_it_ended(std::uint32_t process) {
  int status = 0;
  pid_t ended = ::waitpid(static_cast<pid_t>(process), &status, 0);
  while (ended < 0 && errno == EINTR) ended = ::waitpid(static_cast<pid_t>(process), &status, 0);
  forget_child(static_cast<pid_t>(process));
  if (ended < 0) return "it ended";
  if (WIFSIGNALED(status)) return "it was ended by signal " + std::to_string(WTERMSIG(status));
  return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace weir::platform
