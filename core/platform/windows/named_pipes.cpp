#include "core/platform/windows/named_pipes.hpp"

#include <sddl.h>
#include <winternl.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/base/address.hpp"
#include "core/platform/errors.hpp"

// No header of the Windows API has it, though WaitNamedPipe, which blocks, is no more than this call.
extern "C" NTSTATUS NTAPI NtFsControlFile(HANDLE file, HANDLE event, PIO_APC_ROUTINE routine, PVOID context,
                                          PIO_STATUS_BLOCK status, ULONG code, PVOID in, ULONG in_size, PVOID out,
                                          ULONG out_size);

namespace weir::platform {
namespace {

constexpr DWORD buffer_size = 64 * 1024;  // bytes in each direction that are accepted before they are read
constexpr std::size_t longest = 256;      // characters, prefix and all
constexpr wchar_t folder[] = LR"(\\.\pipe)";
constexpr std::size_t folder_length = std::size(folder) - 1;

// `\\.\pipe\NAME` as the system takes it.
struct PipePath {
  explicit PipePath(std::string_view name) noexcept {
    name = name.substr(0, max_pipe_name);
    std::copy_n(folder, folder_length, text);
    text[folder_length] = L'\\';
    ::MultiByteToWideChar(CP_UTF8, 0, name.data(), static_cast<int>(name.size()), text + folder_length + 1,
                          static_cast<int>(max_pipe_name));
  }
  wchar_t text[longest + 1]{};
};

// Full access for the owner (S-1-3-4), administrators and the system, none for others: the default would let any user
// open the pipe to read, and so keep an instance busy.
SECURITY_ATTRIBUTES* access() noexcept {
  static SECURITY_ATTRIBUTES attributes = [] {
    SECURITY_ATTRIBUTES made{sizeof made, nullptr, FALSE};
    ::ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;;GA;;;S-1-3-4)(A;;GA;;;BA)(A;;GA;;;SY)",
                                                           SDDL_REVISION_1, &made.lpSecurityDescriptor, nullptr);
    return made;
  }();
  return attributes.lpSecurityDescriptor != nullptr ? &attributes : nullptr;
}

HANDLE make_instance(const wchar_t* path, DWORD more_flags) noexcept {
  SECURITY_ATTRIBUTES* const allowed = access();
  if (allowed == nullptr) {  // better none than one that every user can open
    ::SetLastError(ERROR_INVALID_SECURITY_DESCR);
    return INVALID_HANDLE_VALUE;
  }
  return ::CreateNamedPipeW(path, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | more_flags,
                            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                            PIPE_UNLIMITED_INSTANCES, buffer_size, buffer_size, 0, allowed);
}

}  // namespace

Error open_pipe_listener(Handle& handle, std::string_view name, bool first) noexcept {
  const HANDLE made = make_instance(PipePath(name).text, first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0);
  if (made == INVALID_HANDLE_VALUE) {
    const Error error = last_error();
    return first && error.code == Errc::permission_denied ? Error(Errc::address_in_use, error.native) : error;
  }
  handle.native = native_of(made);
  handle.kind = HandleKind::pipe_listener;
  return {};
}

Result<NativeHandle> make_instance_beside(const Handle& listener) noexcept {
  struct {
    FILE_NAME_INFO name;  // with a separator before it
    wchar_t more[longest];
  } told{};
  if (!::GetFileInformationByHandleEx(handle_of(listener), FileNameInfo, &told, sizeof told)) {
    return std::unexpected(last_error());
  }
  wchar_t path[folder_length + longest + 1]{};
  std::copy_n(folder, folder_length, path);
  std::copy_n(told.name.FileName, std::min<std::size_t>(told.name.FileNameLength / sizeof(wchar_t), longest),
              path + folder_length);
  const HANDLE made = make_instance(path, 0);
  if (made == INVALID_HANDLE_VALUE) return std::unexpected(last_error());
  return native_of(made);
}

Error open_pipe_stream(Handle& handle) noexcept {
  const HANDLE pipes =
      ::CreateFileW(LR"(\\.\pipe\)", FILE_READ_ATTRIBUTES | SYNCHRONIZE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                    OPEN_EXISTING, FILE_FLAG_OVERLAPPED | FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  if (pipes == INVALID_HANDLE_VALUE) return last_error();
  handle.native = native_of(pipes);
  handle.kind = HandleKind::pipe_stream;
  return {};
}

// Its server may learn who we are, and not act as us.
NativeHandle connect_pipe(std::string_view name) noexcept {
  return native_of(::CreateFileW(PipePath(name).text, GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                                 FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr));
}

int wait_for_instance(const Handle& unconnected, std::string_view name, OVERLAPPED& overlapped) noexcept {
  constexpr ULONG pipe_wait = 0x110018;       // FSCTL_PIPE_WAIT
  constexpr NTSTATUS pending = 0x103;         // STATUS_PENDING
  constexpr LONGLONG a_while = 100 * 10'000;  // 100 ms: under wine that is how long a cancel takes
  struct {                                    // FILE_PIPE_WAIT_FOR_BUFFER
    LARGE_INTEGER timeout;                    // negative: from now on, in steps of 100 ns
    ULONG name_size;                          // bytes
    BOOLEAN timeout_given;
    wchar_t name[longest];
  } asked{};
  const PipePath path(name);
  const wchar_t* const bare = path.text + folder_length + 1;
  asked.timeout.QuadPart = -a_while;
  asked.timeout_given = TRUE;
  asked.name_size = static_cast<ULONG>(std::wcslen(bare) * sizeof(wchar_t));
  std::memcpy(asked.name, bare, asked.name_size);
  overlapped = {};
  overlapped.Internal = pending;
  const auto size = static_cast<ULONG>(offsetof(decltype(asked), name) + asked.name_size);
  const NTSTATUS status =
      ::NtFsControlFile(handle_of(unconnected), nullptr, nullptr, &overlapped,
                        reinterpret_cast<IO_STATUS_BLOCK*>(&overlapped), pipe_wait, &asked, size, nullptr, 0);
  return status >= 0 ? 0 : static_cast<int>(::RtlNtStatusToDosError(status));
}

HandleKind kind_of_pipe(HANDLE pipe) noexcept {
  constexpr auto pipe_local_information = static_cast<FILE_INFORMATION_CLASS>(24);
  constexpr ULONG full_duplex = 2, server_end = 1;  // FILE_PIPE_FULL_DUPLEX, FILE_PIPE_SERVER_END
  struct {                                          // FILE_PIPE_LOCAL_INFORMATION
    ULONG type, configuration, most_instances, instances, in_size, readable, out_size, writable, state, end;
  } told{};
  IO_STATUS_BLOCK status{};
  const NTSTATUS asked = ::NtQueryInformationFile(pipe, &status, &told, sizeof told, pipe_local_information);
  const bool listens = asked >= 0 && told.configuration == full_duplex && told.end == server_end;
  return listens ? HandleKind::pipe_listener : HandleKind::pipe;
}

}  // namespace weir::platform
