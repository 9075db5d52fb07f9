// posix_spawn: the one way to start a program that is safe beside other threads and does not copy the page tables of a
// large process. All that the child is to be is said in attributes and actions; the system carries them out.

#include "core/platform/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "core/platform/child_exits.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/posix/descriptors.hpp"
#include "core/platform/posix/orphans.hpp"
#ifdef __linux__
#include "core/platform/linux/close_range.hpp"
#include "core/platform/linux/process_descriptor.hpp"
#endif
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

// A descriptor of ours until it was given away.
class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) noexcept : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  int get() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }

  // Away from 0, 1 and 2, which are handed out when this process runs without standard streams: the child's own are put
  // there one after the other, and must not fall on one that is still needed.
  bool move_from_standard_streams() noexcept {
    if (descriptor_ > 2) return true;
    const int moved = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 3);
    if (moved < 0) return false;
    ::close(std::exchange(descriptor_, moved));
    return true;
  }

 private:
  int descriptor_;
};

// --- standard streams ---

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

// One standard stream: the child's end, and ours when there is a pipe.
struct StandardStream {
  Handle* handle = nullptr;
  Descriptor ours;
  Descriptor childs;

  Error open(Handle* wanted, bool child_reads) noexcept {
    handle = wanted;
    if (handle == nullptr) {
      childs = Descriptor(::open("/dev/null", (child_reads ? O_RDONLY : O_WRONLY) | O_CLOEXEC));
      return childs.get() >= 0 && childs.move_from_standard_streams() ? Error{} : last_error();
    }
    WEIR_VERIFY(!handle->is_open());
    Descriptor& read_end = child_reads ? childs : ours;
    Descriptor& write_end = child_reads ? ours : childs;
    // The child's end blocks, as programs expect.
    return make_pipe(read_end, write_end) && make_non_blocking(ours.get()) ? Error{} : last_error();
  }

  void hand_over() noexcept {
    if (handle == nullptr) return;
    handle->native = ours.release();
    handle->kind = HandleKind::pipe;
  }
};

struct StandardStreams {
  StandardStream in, out, error;
  bool merged = false;

  Error open(const SpawnSpec& spec) noexcept {
    merged = spec.merge_stderr;
    if (merged && spec.stderr_from != nullptr) return Errc::bad_argument;
    if (const Error failed = in.open(spec.stdin_to, true)) return failed;
    if (const Error failed = out.open(spec.stdout_from, false)) return failed;
    return merged ? Error{} : error.open(spec.stderr_from, false);
  }
  void hand_over() noexcept {
    in.hand_over();
    out.hand_over();
    error.hand_over();
  }
};

// --- argv, environment, the program's file ---

std::vector<char*> pointers_to(std::span<const std::string> strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& one : strings) pointers.push_back(const_cast<char*>(one.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// This process's environment with the wanted variables in it, as NAME=value.
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

// --- attributes and actions ---

// What is ignored here would be ignored there too: SIGPIPE, for one. Handlers do not survive the exec by themselves.
sigset_t ignored_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction entry{};
    if (::sigaction(number, nullptr, &entry) == 0 && entry.sa_handler == SIG_IGN) sigaddset(&set, number);
  }
  return set;
}

// Frees what posix_spawn was told, and keeps the first thing that went wrong in telling it.
class Orders {
 public:
  Orders() noexcept {
    result_ = ::posix_spawnattr_init(&attributes_);
    attributes_made_ = result_ == 0;
    if (attributes_made_) result_ = ::posix_spawn_file_actions_init(&actions_);
    actions_made_ = attributes_made_ && result_ == 0;
  }
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;
  ~Orders() {
    if (actions_made_) ::posix_spawn_file_actions_destroy(&actions_);
    if (attributes_made_) ::posix_spawnattr_destroy(&attributes_);
  }

  void set_attributes() noexcept;
  void set_streams(const StandardStreams& streams) noexcept;
  void set_working_directory(const std::string& path) noexcept;
  Error carry_out(const std::string& program, char** argv, char** environment, pid_t& id) noexcept {
    if (result_ == 0) result_ = ::posix_spawn(&id, program.c_str(), &actions_, &attributes_, argv, environment);
    return result_ == 0 ? Error{} : error_from(result_);
  }

 private:
  void note(int result) noexcept {
    if (result_ == 0) result_ = result;
  }

  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
  bool attributes_made_ = false;
  bool actions_made_ = false;
  int result_ = 0;
};

void Orders::set_attributes() noexcept {
  if (result_ != 0) return;
  const sigset_t defaults = ignored_signals();
  sigset_t none;
  sigemptyset(&none);
  int flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
  flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
  note(::posix_spawnattr_setpgroup(&attributes_, 0));
  note(::posix_spawnattr_setsigdefault(&attributes_, &defaults));
  note(::posix_spawnattr_setsigmask(&attributes_, &none));
  note(::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags)));
}

void Orders::set_streams(const StandardStreams& streams) noexcept {
  if (result_ != 0) return;
  note(::posix_spawn_file_actions_adddup2(&actions_, streams.in.childs.get(), 0));
  note(::posix_spawn_file_actions_adddup2(&actions_, streams.out.childs.get(), 1));
  const int error = streams.merged ? 1 : streams.error.childs.get();
  note(::posix_spawn_file_actions_adddup2(&actions_, error, 2));
  // Ours are closed by the exec. Those that a library, or our parent process, left open are made so, too. The system's
  // action for it closes one by one while this thread is held: with 15,000 of them that costs 1.2 ms more.
#ifdef __linux__
  if (close_from_on_exec(3)) return;
#endif
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
  note(::posix_spawn_file_actions_addclosefrom_np(&actions_, 3));
#endif
}

void Orders::set_working_directory(const std::string& path) noexcept {
  if (result_ != 0 || path.empty()) return;
#ifdef __NetBSD__
  note(::posix_spawn_file_actions_addchdir(&actions_, path.c_str()));
#else
  note(::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()));
#endif
}

Error start(const SpawnSpec& spec, const StandardStreams& streams, pid_t& id) {
  std::vector<std::string> environment = merged_environment(spec.environment);
  std::string program;
  if (const Error error = find_program(spec.argv[0], environment, program)) return error;
  std::vector<char*> argv = pointers_to(spec.argv);
  std::vector<char*> variables = pointers_to(environment);
  Orders orders;
  orders.set_attributes();
  orders.set_streams(streams);
  orders.set_working_directory(spec.working_directory);
  Error error = orders.carry_out(program, argv.data(), variables.data(), id);
  if (error.native == ENOEXEC) error.code = Errc::permission_denied;  // neither a program nor a script with its "#!"
  return error;
}

}  // namespace

Error spawn(ChildProcess& child, const SpawnSpec& spec) noexcept {
  WEIR_VERIFY(!child.is_open());
  if (spec.argv.empty()) return Errc::bad_argument;
  keep_ended_children();
  StandardStreams streams;
  if (const Error error = streams.open(spec)) return error;
  pid_t id = 0;
  try {
    StartingChild starting;
    if (const Error error = start(spec, streams, id)) return error;
    starting.started(id);
  } catch (const std::bad_alloc&) { return Errc::out_of_memory; }
  child.id = static_cast<std::uint32_t>(id);
  child.kind = HandleKind::child;
#ifdef __linux__
  child.native = open_process_descriptor(child.id);
#endif
  child.has_descriptor = child.native != no_native_handle;
  if (!child.has_descriptor) child.native = id;
  streams.hand_over();
  return {};
}

// The leader is not reaped before the handle is closed: until then no other group can have its number.
void kill_tree(ChildProcess& child) noexcept {
  if (child.id != 0) ::killpg(static_cast<pid_t>(child.id), SIGKILL);
}

void watch_by_number(ChildProcess& child) noexcept {
  if (!child.has_descriptor) return;
  ::close(static_cast<int>(child.native));
  child.native = static_cast<NativeHandle>(child.id);
  child.has_descriptor = false;
}

Attempt wait_child(Op& op) noexcept {
  siginfo_t how{};
  const auto id = static_cast<id_t>(static_cast<ChildProcess&>(*op.handle).id);
  // Who was told of the end may come before there is anything to wait for: a kqueue tells while the process still goes.
  const int hang = op.handle->hung_up ? 0 : WNOHANG;
  while (::waitid(P_PID, id, &how, WEXITED | hang | WNOWAIT) != 0) {
    if (errno == EINTR) continue;
    op.bytes = 0;
    op.error = last_error();
    return Attempt::done;
  }
  if (how.si_pid == 0) return Attempt::would_block;
  const auto value = static_cast<std::uint32_t>(how.si_status);
  *op.child.status = how.si_code == CLD_EXITED ? ExitStatus{value, 0} : ExitStatus{0, value};
  return Attempt::done;
}

void reap(ChildProcess& child) noexcept {
  const auto id = static_cast<id_t>(child.id);
  siginfo_t how{};
  if (::waitid(P_PID, id, &how, WEXITED | WNOHANG) == 0 && how.si_pid == 0) {
    kill_tree(child);
    while (::waitid(P_PID, id, &how, WEXITED) != 0 && errno == EINTR) {}
  }
  if (child.has_descriptor) ::close(static_cast<int>(child.native));
  forget_child(static_cast<pid_t>(child.id));
  child.id = 0;
  child.has_descriptor = false;
}

}  // namespace weir::platform
