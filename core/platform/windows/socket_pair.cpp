#include "core/platform/windows/socket_pair.hpp"

#include <cstring>
#include <utility>

#include "core/platform/errors.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

class Socket {
 public:
  explicit Socket(SOCKET socket) noexcept : socket_(socket) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close_socket(native_of(socket_)); }

  bool is_open() const noexcept { return socket_ != INVALID_SOCKET; }
  SOCKET get() const noexcept { return socket_; }
  NativeHandle release() noexcept { return native_of(std::exchange(socket_, INVALID_SOCKET)); }

 private:
  SOCKET socket_;
};

bool name_of(SOCKET socket, sockaddr_in& name) noexcept {
  int size = sizeof name;
  return ::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) == 0;
}

bool same(const sockaddr_in& a, const sockaddr_in& b) noexcept {
  return a.sin_port == b.sin_port && std::memcmp(&a.sin_addr, &b.sin_addr, sizeof a.sin_addr) == 0;
}

bool set_blocking(SOCKET socket, bool blocking) noexcept {
  u_long non_blocking = blocking ? 0 : 1;
  return ::ioctlsocket(socket, static_cast<long>(FIONBIO), &non_blocking) == 0;
}

// Other programs on this machine can connect to the listener, too: any socket but our own is closed.
SOCKET accept_from(SOCKET listener, const sockaddr_in& expected) noexcept {
  for (;;) {
    sockaddr_in peer{};
    int size = sizeof peer;
    const SOCKET accepted = ::accept(listener, reinterpret_cast<sockaddr*>(&peer), &size);
    if (accepted == INVALID_SOCKET || same(peer, expected)) return accepted;
    ::closesocket(accepted);
  }
}

}  // namespace

Result<SocketPair> make_socket_pair() noexcept {
  if (const Error error = start_winsock()) return std::unexpected(error);
  Socket listener(socket_of(make_stream_socket(AF_INET)));
  Socket write_end(socket_of(make_stream_socket(AF_INET)));
  if (!listener.is_open() || !write_end.is_open()) return std::unexpected(last_error());
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  const auto* address = reinterpret_cast<const sockaddr*>(&where);
  // Blocking for a moment: a connection over loopback completes without a peer's help.
  sockaddr_in ours{};
  if (!set_blocking(listener.get(), true) || !set_blocking(write_end.get(), true) ||
      ::bind(listener.get(), address, sizeof where) != 0 || !name_of(listener.get(), where) ||
      ::listen(listener.get(), 1) != 0 || ::connect(write_end.get(), address, sizeof where) != 0 ||
      !name_of(write_end.get(), ours)) {
    return std::unexpected(last_error());
  }
  Socket read_end(accept_from(listener.get(), ours));
  if (!read_end.is_open() || !set_blocking(read_end.get(), false) || !set_blocking(write_end.get(), false)) {
    return std::unexpected(last_error());
  }
  ::SetHandleInformation(handle_of(native_of(read_end.get())), HANDLE_FLAG_INHERIT, 0);
  set_no_delay(native_of(write_end.get()));
  return SocketPair{read_end.release(), write_end.release()};
}

void close_socket(NativeHandle socket) noexcept {
  if (socket != no_native_handle) ::closesocket(socket_of(socket));
}

}  // namespace weir::platform
