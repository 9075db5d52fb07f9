#include "core/platform/successor.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <filesystem>

#include "core/platform/errors.hpp"
#include "core/platform/posix/orphans.hpp"
#include "core/platform/posix/spawning.hpp"

namespace weir::platform {
namespace {

constexpr int first_passed = 3;

// Copies of the descriptors, above the numbers that they are to have.
Error copy(std::span<const NativeHandle> descriptors, std::vector<Descriptor>& copies) {
  copies = std::vector<Descriptor>(descriptors.size());
  const int above = first_passed + static_cast<int>(descriptors.size());
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    copies[i] = Descriptor(::fcntl(static_cast<int>(descriptors[i]), F_DUPFD_CLOEXEC, above));
    if (copies[i].get() < 0) return last_error();
  }
  return {};
}

// Signals that are ignored stay ignored (nohup); handlers do not survive the exec. The process group stays the same: the
// terminal's Ctrl-C is meant for the successor, too.
void set_orders(SpawnOrders& orders, const std::vector<Descriptor>& copies) noexcept {
  if (!orders.good()) return;
  sigset_t none;
  sigemptyset(&none);
  orders.note(::posix_spawnattr_setsigmask(orders.attributes(), &none));
  orders.note(::posix_spawnattr_setflags(orders.attributes(), POSIX_SPAWN_SETSIGMASK));
  for (std::size_t i = 0; i < copies.size(); ++i)
    orders.note(::posix_spawn_file_actions_adddup2(orders.actions(), copies[i].get(), first_passed + static_cast<int>(i)));
}

}  // namespace

CommandLine own_command_line(int argc, char** argv) {
  CommandLine command;
  const std::string name = argc > 0 ? argv[0] : "weir";
  std::string found;
  if (find_program(name, merged_environment({}), found)) found = name;
  std::error_code ignored;
  command.program = std::filesystem::absolute(found, ignored).lexically_normal().string();
  for (int i = 1; i < argc; ++i) command.arguments.emplace_back(argv[i]);
  return command;
}

Result<std::uint32_t> start_successor(const CommandLine& command, std::span<const NativeHandle> descriptors,
                                      std::span<const EnvironmentVariable> added) noexcept try {
  std::vector<Descriptor> copies;
  if (const Error error = copy(descriptors, copies)) return std::unexpected(error);
  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  const std::vector<std::string> environment = merged_environment(added);
  std::vector<char*> argv = pointers_to(words);
  std::vector<char*> variables = pointers_to(environment);
  SpawnOrders orders;
  set_orders(orders, copies);
  pid_t process = 0;
  StartingChild starting;
  if (const Error error = orders.carry_out(command.program, argv.data(), variables.data(), process))
    return std::unexpected(error);
  starting.started(process);
  return static_cast<std::uint32_t>(process);
} catch (const std::bad_alloc&) { return std::unexpected(Error(Errc::out_of_memory)); }

Result<ReadyPipe> make_ready_pipe() noexcept {
  Descriptor reads, writes;
  if (!make_pipe(reads, writes)) return std::unexpected(last_error());
  return ReadyPipe{reads.release(), writes.release()};
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
