#include "tests/support/sockets.hpp"

#include "tests/support/catch.hpp"
#ifdef _WIN32
#include "core/platform/windows/socket_pair.hpp"
#include "core/platform/windows/winsock.hpp"
#else
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

namespace weir::test {
namespace {

#ifdef _WIN32
using Native = SOCKET;
using Size = int;
int close_native(Native socket) { return ::closesocket(socket); }
void start_sockets() { REQUIRE_FALSE(platform::start_winsock()); }
void set_blocking(Native socket, bool blocking) {
  u_long mode = blocking ? 0 : 1;
  REQUIRE(::ioctlsocket(socket, FIONBIO, &mode) == 0);
}
#else
using Native = int;
using Size = socklen_t;
int close_native(Native socket) { return ::close(socket); }
void start_sockets() {}
#endif

Native native(NativeHandle socket) { return static_cast<Native>(socket); }

}  // namespace

std::pair<NativeHandle, NativeHandle> socket_pair() {
#ifdef _WIN32
  const auto pair = platform::make_socket_pair();
  REQUIRE(pair.has_value());
  set_blocking(native(pair->write_end), true);
  return {pair->read_end, pair->write_end};
#else
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  return {ends[0], ends[1]};
#endif
}

NativeHandle connect_to(std::uint16_t port) {
  start_sockets();
  const Native socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  return static_cast<NativeHandle>(socket);
}

bool send_all(NativeHandle socket, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(native(socket), text.data(), static_cast<int>(text.size()), 0);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string receive_rest(NativeHandle socket) {
  std::string text;
  char bytes[4096];
  while (true) {
    const auto got = ::recv(native(socket), bytes, sizeof bytes, 0);
    if (got <= 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
  }
}

std::string receive_now(NativeHandle socket) {
  char bytes[7000];
#ifdef _WIN32
  set_blocking(native(socket), false);
  const auto got = ::recv(native(socket), bytes, sizeof bytes, 0);
  set_blocking(native(socket), true);
#else
  const auto got = ::recv(native(socket), bytes, sizeof bytes, MSG_DONTWAIT);
#endif
  return {bytes, got > 0 ? static_cast<std::size_t>(got) : 0};
}

bool listens(NativeHandle socket) {
  int value = 0;
  Size size = sizeof value;
  return ::getsockopt(native(socket), SOL_SOCKET, SO_ACCEPTCONN, reinterpret_cast<char*>(&value), &size) == 0 &&
         value != 0;
}

void close_socket(NativeHandle socket) { close_native(native(socket)); }

}  // namespace weir::test
