#include "core/platform/sockets.hpp"

#include <algorithm>

#include "core/platform/child.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/windows/named_pipes.hpp"
#include "core/platform/windows/sockaddr.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

bool set_option(SOCKET socket, int level, int name, int value) noexcept {
  return ::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value) == 0;
}

// -1: it is not a socket, or the system does not say.
int option(SOCKET socket, int name) noexcept {
  int value = 0;
  int size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, name, reinterpret_cast<char*>(&value), &size) == 0 ? value : -1;
}

bool make_non_blocking(SOCKET socket) noexcept {
  u_long on = 1;
  return ::ioctlsocket(socket, static_cast<long>(FIONBIO), &on) == 0;
}

// Never SO_REUSEADDR: here it would let any process take the address away from us. We set the opposite option.
Error bind_and_listen(SOCKET socket, const OpenSpec& spec, const sockaddr_storage& where, int length) noexcept {
  if (!set_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1)) return last_error();
  if (spec.address.family == Family::ipv6 && !set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, spec.v6_only ? 1 : 0)) {
    return last_error();
  }
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&where), length) != 0) return last_error();
  return ::listen(socket, spec.backlog) == 0 ? Error{} : last_error();
}

Error open_listener(Handle& handle, const OpenSpec& spec) noexcept {
  if (spec.address.family == Family::named_pipe) return open_pipe_listener(handle, spec.address.path, !spec.reuse_port);
  sockaddr_storage where;
  const int length = to_sockaddr(spec.address, where);
  if (length == 0) return Errc::bad_argument;
  if (spec.reuse_port) return refused(rule_named("windows-no-reuse-port"));
  const NativeHandle native = make_stream_socket(domain_of(spec.address.family));
  if (native == no_native_handle) return last_error();
  if (const Error error = bind_and_listen(socket_of(native), spec, where, length)) {
    ::closesocket(socket_of(native));
    return error;
  }
  handle.native = native;
  handle.kind = HandleKind::listener;
  return {};
}

Error open_stream(Handle& handle, Family family) noexcept {
  if (family == Family::named_pipe) return open_pipe_stream(handle);
  if (domain_of(family) == AF_UNSPEC) return Errc::bad_argument;
  const NativeHandle native = make_stream_socket(domain_of(family));
  if (native == no_native_handle) return last_error();
  set_no_delay(native);
  handle.native = native;
  handle.kind = HandleKind::stream_socket;
  return {};
}

HandleKind kind_of_socket(SOCKET socket, int type) noexcept {
  if (type != SOCK_STREAM) return HandleKind::foreign;
  return option(socket, SO_ACCEPTCONN) > 0 ? HandleKind::listener : HandleKind::stream_socket;
}

// `none`: there is no such handle.
HandleKind kind_of(HANDLE handle) noexcept {
  switch (::GetFileType(handle)) {
    case FILE_TYPE_DISK: return HandleKind::regular_file;
    case FILE_TYPE_PIPE: return kind_of_pipe(handle);
    case FILE_TYPE_CHAR: return HandleKind::char_device;
    default: return HandleKind::none;
  }
}

Error adopt(Handle& handle, NativeHandle native) noexcept {
  const SOCKET socket = socket_of(native);
  const int type = option(socket, SO_TYPE);
  const HandleKind kind = type > 0 ? kind_of_socket(socket, type) : kind_of(handle_of(native));
  if (kind == HandleKind::none) return Error(Errc::bad_descriptor, ERROR_INVALID_HANDLE);
  if (kind == HandleKind::regular_file) return refused(rule_named("regular-files-not-watchable"));
  // A socket with another owner is only watched: its mode is left as it is.
  if (type > 0 && kind != HandleKind::foreign && !make_non_blocking(socket)) return last_error();
  ::SetHandleInformation(handle_of(native), HANDLE_FLAG_INHERIT, 0);
  handle.native = native;
  handle.kind = kind;
  handle.shared = true;
  return {};
}

template <class Ask>
Result<Address> ask_address(const Handle& handle, Ask ask) noexcept {
  sockaddr_storage where{};
  int length = sizeof where;
  auto* address = reinterpret_cast<sockaddr*>(&where);
  if (ask(socket_of(handle), address, &length) != 0) return std::unexpected(last_error());
  return from_sockaddr(address);
}

}  // namespace

Error start_winsock() noexcept {
  static const int outcome = [] {
    WSADATA data;
    return ::WSAStartup(MAKEWORD(2, 2), &data);
  }();
  return error_from(outcome);
}

NativeHandle make_stream_socket(int domain) noexcept {
  if (start_winsock()) return no_native_handle;
  const SOCKET socket =
      ::WSASocketW(domain, SOCK_STREAM, IPPROTO_TCP, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  if (socket == INVALID_SOCKET) return no_native_handle;
  if (make_non_blocking(socket)) return native_of(socket);
  const int error = ::WSAGetLastError();
  ::closesocket(socket);
  ::WSASetLastError(error);
  return no_native_handle;
}

void set_no_delay(NativeHandle socket) noexcept { set_option(socket_of(socket), IPPROTO_TCP, TCP_NODELAY, 1); }

Error open(Handle& handle, const OpenSpec& spec) noexcept {
  WEIR_VERIFY(!handle.is_open());
  if (const Error error = start_winsock()) return error;
  if (spec.what != OpenSpec::What::adopt && spec.address.family == Family::unix_path) {
    return refused(rule_named("windows-no-unix-sockets"));
  }
  switch (spec.what) {
    case OpenSpec::What::listener: return open_listener(handle, spec);
    case OpenSpec::What::stream: return open_stream(handle, spec.address.family);
    case OpenSpec::What::adopt: return adopt(handle, spec.native);
  }
  return Errc::bad_argument;
}

void close(Handle& handle) noexcept {
  WEIR_VERIFY(handle.is_open() && handle.quiet());
  if (handle.kind == HandleKind::child) {
    reap(static_cast<ChildProcess&>(handle));
  } else if (is_socket(handle) || handle.kind == HandleKind::foreign) {
    ::closesocket(socket_of(handle));
  } else {
    ::CloseHandle(handle_of(handle));  // what was written to a pipe and not read yet can be read all the same
  }
  handle.native = no_native_handle;
  handle.kind = HandleKind::none;
  handle.slot = Handle::no_slot;
  handle.maybe_readable = handle.maybe_writable = true;
  handle.hung_up = handle.shared = false;
  handle.armed = 0;
  handle.backend_word = 0;
}

void shutdown(Handle& handle, Direction direction) noexcept {
  if (!is_socket(handle)) return;
  const int how = direction == Direction::in ? SD_RECEIVE : direction == Direction::out ? SD_SEND : SD_BOTH;
  ::shutdown(socket_of(handle), how);  // WSAENOTCONN: the peer was faster
}

void abort_on_close(Handle& handle) noexcept {
  if (handle.kind == HandleKind::pipe_stream) {
    // What the client has not read is lost to it, and it hears of it. A client's own end knows nothing of the kind.
    ::DisconnectNamedPipe(handle_of(handle));
    return;
  }
  const linger at_once{1, 0};
  ::setsockopt(socket_of(handle), SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&at_once), sizeof at_once);
}

Result<Address> local_address(const Handle& handle) noexcept { return ask_address(handle, ::getsockname); }
Result<Address> peer_address(const Handle& handle) noexcept { return ask_address(handle, ::getpeername); }

}  // namespace weir::platform
