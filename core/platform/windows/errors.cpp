#include "core/platform/errors.hpp"

#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

constexpr DWORD elevation_required = 740;  // ERROR_ELEVATION_REQUIRED, which older headers lack

// Winsock's numbers, and those of the rest of the system: they do not overlap.
Errc code_of_socket_error(int number) noexcept {
  switch (number) {
    case WSAEWOULDBLOCK: return Errc::would_block;
    case WSAETIMEDOUT: return Errc::timed_out;
    case WSAENETRESET:
    case WSAECONNRESET: return Errc::connection_reset;
    case WSAECONNREFUSED: return Errc::connection_refused;
    case WSAECONNABORTED: return Errc::connection_aborted;
    case WSAEDISCON:
    case WSAESHUTDOWN: return Errc::broken_pipe;
    case WSAENOTCONN: return Errc::not_connected;
    case WSAEADDRINUSE: return Errc::address_in_use;
    case WSAEAFNOSUPPORT:
    case WSAEADDRNOTAVAIL: return Errc::address_not_available;
    case WSAEHOSTDOWN:
    case WSAEHOSTUNREACH: return Errc::host_unreachable;
    case WSAENETDOWN:
    case WSAENETUNREACH: return Errc::network_unreachable;
    case WSAEACCES: return Errc::permission_denied;
    case WSAEMFILE: return Errc::descriptor_limit;
    case WSAENOBUFS: return Errc::out_of_memory;
    case WSAEISCONN:
    case WSAEALREADY:
    case WSAEFAULT:
    case WSAEINVAL: return Errc::bad_argument;
    case WSAEBADF:
    case WSAENOTSOCK: return Errc::bad_descriptor;
    case WSAEMSGSIZE: return Errc::message_too_large;
    case WSAEINTR: return Errc::interrupted;
    default: return Errc::unknown;
  }
}

Errc code_of_system_error(DWORD number) noexcept {
  switch (number) {
    case ERROR_SUCCESS: return Errc::ok;
    case ERROR_OPERATION_ABORTED:
    case ERROR_CANCELLED: return Errc::cancelled;
    case WAIT_TIMEOUT:
    case ERROR_SEM_TIMEOUT:
    case ERROR_TIMEOUT: return Errc::timed_out;
    case ERROR_HANDLE_EOF: return Errc::end_of_stream;
    case ERROR_NETNAME_DELETED: return Errc::connection_reset;
    case ERROR_CONNECTION_REFUSED: return Errc::connection_refused;
    case ERROR_CONNECTION_ABORTED: return Errc::connection_aborted;
    case ERROR_BROKEN_PIPE:
    case ERROR_NO_DATA: return Errc::broken_pipe;
    case ERROR_PIPE_NOT_CONNECTED: return Errc::not_connected;
    case ERROR_PIPE_BUSY: return Errc::address_in_use;
    case ERROR_HOST_UNREACHABLE: return Errc::host_unreachable;
    case ERROR_NETWORK_UNREACHABLE: return Errc::network_unreachable;
    case ERROR_ACCESS_DENIED:
    case elevation_required:
    case ERROR_BAD_EXE_FORMAT:
    case ERROR_SHARING_VIOLATION: return Errc::permission_denied;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
    case ERROR_DIRECTORY: return Errc::not_found;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS: return Errc::already_exists;
    case ERROR_TOO_MANY_OPEN_FILES: return Errc::descriptor_limit;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_COMMITMENT_LIMIT: return Errc::out_of_memory;
    case ERROR_INVALID_PARAMETER:
    case ERROR_FILENAME_EXCED_RANGE:
    case ERROR_BAD_ARGUMENTS: return Errc::bad_argument;
    case ERROR_INVALID_HANDLE: return Errc::bad_descriptor;
    default: return Errc::unknown;
  }
}

}  // namespace

Error error_from(int number) noexcept {
  const bool of_sockets = number >= WSABASEERR && number < WSABASEERR + 2000;
  return {of_sockets ? code_of_socket_error(number) : code_of_system_error(static_cast<DWORD>(number)), number};
}

// WSAGetLastError() reads the same place.
Error last_error() noexcept { return error_from(static_cast<int>(::GetLastError())); }

Error transfer_error(int number) noexcept {
  Error error = error_from(number);
  if (error.code == Errc::connection_aborted || number == ERROR_PIPE_NOT_CONNECTED) error.code = Errc::connection_reset;
  return error;
}

}  // namespace weir::platform
