#include "core/platform/windows/pipes.hpp"

#include <atomic>
#include <cwchar>

#include "core/platform/errors.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

constexpr DWORD buffer_size = 64 * 1024;  // bytes
std::atomic<std::uint32_t> next_number{0};

}  // namespace

Result<Pipe> make_pipe(bool we_write) noexcept {
  wchar_t name[96];
  LARGE_INTEGER now;
  ::QueryPerformanceCounter(&now);
  std::swprintf(name, std::size(name), L"\\\\.\\pipe\\weir-%lu-%lu-%llx", ::GetCurrentProcessId(),
                static_cast<unsigned long>(next_number.fetch_add(1)), static_cast<unsigned long long>(now.QuadPart));
  const DWORD access = we_write ? PIPE_ACCESS_OUTBOUND : PIPE_ACCESS_INBOUND;
  const HANDLE ours = ::CreateNamedPipeW(name, access | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                         PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                                         1, buffer_size, buffer_size, 0, nullptr);
  if (ours == INVALID_HANDLE_VALUE) return std::unexpected(last_error());
  SECURITY_ATTRIBUTES inheritable{sizeof inheritable, nullptr, TRUE};
  const HANDLE theirs = ::CreateFileW(name, we_write ? GENERIC_READ : GENERIC_WRITE, 0, &inheritable, OPEN_EXISTING,
                                      SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, nullptr);
  if (theirs == INVALID_HANDLE_VALUE) {
    const Error error = last_error();
    ::CloseHandle(ours);
    return std::unexpected(error);
  }
  return Pipe{native_of(ours), native_of(theirs)};
}

}  // namespace weir::platform
