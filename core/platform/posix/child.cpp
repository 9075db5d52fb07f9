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
#include "core/platform/posix/spawning.hpp"
#ifdef __linux__
#include "core/platform/linux/close_range.hpp"
#include "core/platform/linux/process_descriptor.hpp"
#endif

namespace weir::platform {
namespace {

// --- standard streams ---

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

void set_attributes(SpawnOrders& orders) noexcept {
  if (!orders.good()) return;
  const sigset_t defaults = ignored_signals();
  sigset_t none;
  sigemptyset(&none);
  int flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
  flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
  orders.note(::posix_spawnattr_setpgroup(orders.attributes(), 0));
  orders.note(::posix_spawnattr_setsigdefault(orders.attributes(), &defaults));
  orders.note(::posix_spawnattr_setsigmask(orders.attributes(), &none));
  orders.note(::posix_spawnattr_setflags(orders.attributes(), static_cast<short>(flags)));
}

void set_streams(SpawnOrders& orders, const StandardStreams& streams) noexcept {
  if (!orders.good()) return;
  orders.note(::posix_spawn_file_actions_adddup2(orders.actions(), streams.in.childs.get(), 0));
  orders.note(::posix_spawn_file_actions_adddup2(orders.actions(), streams.out.childs.get(), 1));
  const int error = streams.merged ? 1 : streams.error.childs.get();
  orders.note(::posix_spawn_file_actions_adddup2(orders.actions(), error, 2));
  // Ours are closed by the exec. Those that a library, or our parent process, left open are made so, too. The system's
  // action for it closes one by one while this thread is held: with 15,000 of them that costs 1.2 ms more.
#ifdef __linux__
  if (close_from_on_exec(3)) return;
#endif
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
  orders.note(::posix_spawn_file_actions_addclosefrom_np(orders.actions(), 3));
#endif
}

void set_working_directory(SpawnOrders& orders, const std::string& path) noexcept {
  if (!orders.good() || path.empty()) return;
#ifdef __NetBSD__
  orders.note(::posix_spawn_file_actions_addchdir(orders.actions(), path.c_str()));
#else
  orders.note(::posix_spawn_file_actions_addchdir_np(orders.actions(), path.c_str()));
#endif
}

Error start(const SpawnSpec& spec, const StandardStreams& streams, pid_t& id) {
  std::vector<std::string> environment = merged_environment(spec.environment);
  std::string program;
  if (const Error error = find_program(spec.argv[0], environment, program)) return error;
  std::vector<char*> argv = pointers_to(spec.argv);
  std::vector<char*> variables = pointers_to(environment);
  SpawnOrders orders;
  set_attributes(orders);
  set_streams(orders, streams);
  set_working_directory(orders, spec.working_directory);
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
