#include "core/platform/descriptors.hpp"

#include <io.h>

#include <algorithm>
#include <climits>

#include "core/platform/errors.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

// A process may have 2^24 handles, and needs no leave for them; more than a million is more than any table is made for.
constexpr std::size_t plenty = 1U << 20;

Result<NativeHandle> duplicate_socket(SOCKET socket) noexcept {
  WSAPROTOCOL_INFOW protocol;
  if (::WSADuplicateSocketW(socket, ::GetCurrentProcessId(), &protocol) != 0) return std::unexpected(last_error());
  const SOCKET copy = ::WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &protocol, 0,
                                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  if (copy == INVALID_SOCKET) return std::unexpected(last_error());
  return native_of(copy);
}

}  // namespace

std::size_t raise_descriptor_limit() noexcept { return plenty; }

std::size_t open_descriptors() noexcept {
  DWORD count = 0;
  return ::GetProcessHandleCount(::GetCurrentProcess(), &count) ? count : 0;
}

Result<NativeHandle> duplicate(NativeHandle native) noexcept {
  int type = 0;
  int size = sizeof type;
  if (::getsockopt(socket_of(native), SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size) == 0) {
    return duplicate_socket(socket_of(native));
  }
  HANDLE copy = nullptr;
  const HANDLE self = ::GetCurrentProcess();
  if (!::DuplicateHandle(self, handle_of(native), self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
    return std::unexpected(last_error());
  }
  return native_of(copy);
}

bool write_and_close(int descriptor, const char* data, std::size_t size) noexcept {
  while (size > 0) {
    const int written = ::_write(descriptor, data, static_cast<unsigned>(std::min<std::size_t>(size, INT_MAX)));
    if (written <= 0) break;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  ::_close(descriptor);
  return size == 0;
}

}  // namespace weir::platform
