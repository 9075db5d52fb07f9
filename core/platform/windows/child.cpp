// CreateProcess: with a list of the handles that the child inherits, so that no other pipe leaks into it; and a
// job that holds whatever the child starts, which it joins before its first instruction.

#include "core/platform/child.hpp"

#include <array>
#include <cstddef>
#include <new>
#include <utility>

#include "core/platform/errors.hpp"
#include "core/platform/windows/command_line.hpp"
#include "core/platform/windows/pipes.hpp"
#include "core/platform/windows/text.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

// Ours until it was given away. Neither null nor the invalid value is ever closed.
class OwnedHandle {
 public:
  explicit OwnedHandle(HANDLE handle = nullptr) noexcept : handle_(handle == INVALID_HANDLE_VALUE ? nullptr : handle) {}
  OwnedHandle(const OwnedHandle&) = delete;
  OwnedHandle& operator=(const OwnedHandle&) = delete;
  OwnedHandle& operator=(OwnedHandle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~OwnedHandle() {
    if (handle_ != nullptr) ::CloseHandle(handle_);
  }

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  HANDLE get() const noexcept { return handle_; }
  HANDLE release() noexcept { return std::exchange(handle_, nullptr); }

 private:
  HANDLE handle_;
};

// --- standard streams ---

// One standard stream: the child's end, and ours when there is a pipe.
struct StandardStream {
  Handle* handle = nullptr;
  OwnedHandle ours;
  OwnedHandle childs;

  Error open(Handle* wanted, bool child_reads) noexcept {
    handle = wanted;
    if (handle == nullptr) {
      SECURITY_ATTRIBUTES inheritable{sizeof inheritable, nullptr, TRUE};
      childs = OwnedHandle(::CreateFileW(L"NUL", child_reads ? GENERIC_READ : GENERIC_WRITE,
                                         FILE_SHARE_READ | FILE_SHARE_WRITE, &inheritable, OPEN_EXISTING, 0, nullptr));
      return childs ? Error{} : last_error();
    }
    WEIR_VERIFY(!handle->is_open());
    const Result<Pipe> pipe = make_pipe(child_reads);
    if (!pipe) return pipe.error();
    ours = OwnedHandle(handle_of(pipe->ours));
    childs = OwnedHandle(handle_of(pipe->theirs));
    return {};
  }

  void hand_over() noexcept {
    if (handle == nullptr) return;
    handle->native = native_of(ours.release());
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
  HANDLE error_handle() const noexcept { return merged ? out.childs.get() : error.childs.get(); }
  void hand_over() noexcept {
    in.hand_over();
    out.hand_over();
    error.hand_over();
  }
};

// --- the program's file ---

bool is_file(const std::wstring& path) noexcept {
  const DWORD attributes = ::GetFileAttributesW(path.c_str());
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

bool is_absolute(std::wstring_view path) noexcept {
  const auto separator = [](wchar_t c) { return c == L'\\' || c == L'/'; };
  return (path.size() > 2 && path[1] == L':' && separator(path[2])) ||
         (path.size() > 1 && separator(path[0]) && separator(path[1]));
}

// The file itself, or with one of the endings of what can be executed.
bool complete(std::wstring& path) {
  if (is_file(path)) return true;
  for (const wchar_t* ending : {L".exe", L".com", L".cmd", L".bat"}) {
    if (!is_file(path + ending)) continue;
    path += ending;
    return true;
  }
  return false;
}

// The system's own search begins in the folder of this program and in the current one; ours looks where the child's
// PATH says. Relative places are passed over: they mean another one in the child's working directory.
bool find_program(const std::wstring& name, const std::vector<std::wstring>& environment, const std::wstring& directory,
                  std::wstring& found) {
  if (name.find_first_of(L"\\/:") != std::wstring::npos) {
    found = directory.empty() || is_absolute(name) ? name : directory + L"\\" + name;
    return complete(found);
  }
  const std::wstring path = value_in(environment, L"PATH");
  std::wstring_view places = path;
  while (!places.empty()) {
    std::wstring_view place = places.substr(0, places.find(L';'));
    places.remove_prefix(std::min(places.size(), place.size() + 1));
    if (place.size() > 1 && place.front() == L'"' && place.back() == L'"') place = place.substr(1, place.size() - 2);
    if (!is_absolute(place)) continue;
    found.assign(place).append(L"\\").append(name);
    if (!name.empty() && complete(found)) return true;
  }
  return false;
}

// Not from the environment, which may have been changed.
std::wstring system_shell() {
  wchar_t folder[MAX_PATH];
  const UINT length = ::GetSystemDirectoryW(folder, MAX_PATH);
  return std::wstring(folder, length) + L"\\cmd.exe";
}

// --- what is started ---

struct Plan {
  std::wstring program;  // the file that is executed
  std::wstring line;
  std::wstring environment;
  std::wstring directory;
};

Error make_plan(const SpawnSpec& spec, Plan& plan) {
  std::vector<std::wstring> argv;
  for (const std::string& argument : spec.argv) {
    if (argument.find('\0') != std::string::npos) return Errc::bad_argument;
    argv.push_back(to_wide(argument));
  }
  const std::vector<std::wstring> environment = merged_environment(spec.environment);
  plan.directory = to_wide(spec.working_directory);
  std::wstring found;
  if (!find_program(argv[0], environment, plan.directory, found)) return Error(Errc::not_found, ERROR_FILE_NOT_FOUND);
  plan.environment = environment_block(environment);
  if (is_batch_file(found)) {
    plan.program = system_shell();
    const auto line = batch_command_line(plan.program, found, std::span(argv).subspan(1));
    if (!line) return Errc::bad_argument;
    plan.line = *line;
    return {};
  }
  if (argv[0].find(L'"') != std::wstring::npos) return Errc::bad_argument;
  plan.program = std::move(found);
  plan.line = command_line(argv);
  return {};
}

// The list of handles that are inherited, in the form that CreateProcess reads.
class Inheritance {
 public:
  explicit Inheritance(const StandardStreams& streams) noexcept {
    handles_ = {streams.in.childs.get(), streams.out.childs.get(), streams.error_handle()};
    const std::size_t count = streams.merged ? 2 : 3;  // none may be named twice
    SIZE_T size = sizeof memory_;
    list_ = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_);
    made_ = ::InitializeProcThreadAttributeList(list_, 1, 0, &size);
    ready_ = made_ && ::UpdateProcThreadAttribute(list_, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles_.data(),
                                                  count * sizeof(HANDLE), nullptr, nullptr);
  }
  Inheritance(const Inheritance&) = delete;
  Inheritance& operator=(const Inheritance&) = delete;
  ~Inheritance() {
    if (made_) ::DeleteProcThreadAttributeList(list_);
  }
  bool ready() const noexcept { return ready_; }
  LPPROC_THREAD_ATTRIBUTE_LIST list() const noexcept { return list_; }

 private:
  std::array<HANDLE, 3> handles_;
  alignas(std::max_align_t) std::byte memory_[256];  // one attribute takes less than half of it
  LPPROC_THREAD_ATTRIBUTE_LIST list_;
  bool made_ = false;
  bool ready_ = false;
};

// While the child is ours, whatever is in its job ends when this process does: nothing is left running unwatched.
bool end_with_us(HANDLE job, bool on) noexcept {
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits{};
  limits.BasicLimitInformation.LimitFlags = on ? JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE : 0;
  return ::SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
}

struct Started {
  OwnedHandle job, process, thread;
  DWORD id = 0;
};

Error start(Plan& plan, const StandardStreams& streams, Started& started) noexcept {
  const Inheritance inheritance(streams);
  started.job = OwnedHandle(::CreateJobObjectW(nullptr, nullptr));
  if (!inheritance.ready() || !started.job || !end_with_us(started.job.get(), true)) return last_error();
  STARTUPINFOEXW startup{};
  startup.StartupInfo.cb = sizeof startup;
  startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
  startup.StartupInfo.hStdInput = streams.in.childs.get();
  startup.StartupInfo.hStdOutput = streams.out.childs.get();
  startup.StartupInfo.hStdError = streams.error_handle();
  startup.lpAttributeList = inheritance.list();
  PROCESS_INFORMATION made{};
  // An invisible console of its own, so that our console's events do not reach the child.
  constexpr DWORD flags =
      CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
  if (!::CreateProcessW(plan.program.c_str(), plan.line.data(), nullptr, nullptr, TRUE, flags, plan.environment.data(),
                        plan.directory.empty() ? nullptr : plan.directory.c_str(), &startup.StartupInfo, &made)) {
    return last_error();
  }
  started.process = OwnedHandle(made.hProcess);
  started.thread = OwnedHandle(made.hThread);
  started.id = made.dwProcessId;
  if (::AssignProcessToJobObject(started.job.get(), made.hProcess) && ::ResumeThread(made.hThread) != DWORD(-1)) {
    return {};
  }
  const Error error = last_error();
  ::TerminateProcess(made.hProcess, 1);
  return error;
}

bool has_ended(const ChildProcess& child) noexcept {
  return ::WaitForSingleObject(handle_of(child), 0) == WAIT_OBJECT_0;
}

}  // namespace

Error spawn(ChildProcess& child, const SpawnSpec& spec) noexcept {
  WEIR_VERIFY(!child.is_open());
  if (spec.argv.empty()) return Errc::bad_argument;
  StandardStreams streams;
  Plan plan;
  Started started;
  try {
    if (const Error error = make_plan(spec, plan)) return error;
  } catch (const std::bad_alloc&) { return Errc::out_of_memory; }
  if (const Error error = streams.open(spec)) return error;
  if (const Error error = start(plan, streams, started)) return error;
  child.id = started.id;
  child.kind = HandleKind::child;
  child.native = native_of(started.process.release());
  child.group = native_of(started.job.release());
  streams.hand_over();
  return {};
}

void kill_tree(ChildProcess& child) noexcept {
  constexpr UINT exit_code = 1;
  if (child.group != no_native_handle) ::TerminateJobObject(handle_of(child.group), exit_code);
}

void watch_by_number(ChildProcess&) noexcept {}  // a process has a handle here, always

Attempt wait_child(Op& op) noexcept {
  const auto& child = static_cast<const ChildProcess&>(*op.handle);
  if (!has_ended(child)) return Attempt::would_block;
  DWORD code = 0;
  op.bytes = 0;
  if (::GetExitCodeProcess(handle_of(child), &code)) {
    *op.child.status = ExitStatus{code, 0};
  } else {
    op.error = last_error();
  }
  return Attempt::done;
}

// What a child that has ended leaves running goes on, as everywhere; of one that has not ended, nothing does.
void reap(ChildProcess& child) noexcept {
  if (child.group != no_native_handle) {
    if (has_ended(child)) {
      end_with_us(handle_of(child.group), false);
    } else {
      kill_tree(child);
    }
    ::CloseHandle(handle_of(child.group));
  }
  ::CloseHandle(handle_of(child));
  child.group = no_native_handle;
  child.id = 0;
}

}  // namespace weir::platform
