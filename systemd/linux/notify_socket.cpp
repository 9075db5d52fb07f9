#include "systemd/notify_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "core/platform/errors.hpp"

namespace weir::systemd {
namespace {

// Zero: not an address of a unix socket (the vsock of a virtual machine, a relative path).
socklen_t to_sockaddr(std::string_view address, sockaddr_un& out) noexcept {
  out = {};
  if (address.size() < 2 || address.size() >= sizeof out.sun_path) return 0;
  if (address.front() != '/' && address.front() != '@') return 0;
  out.sun_family = AF_UNIX;
  std::memcpy(out.sun_path, address.data(), address.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  if (address.front() == '/') return length + 1;
  out.sun_path[0] = '\0';  // an abstract name ends where the length says
  return length;
}

Error send_once(int socket, std::string_view message, int attached) noexcept {
  iovec part{const_cast<char*>(message.data()), message.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (attached != NotifySocket::no_descriptor) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof attached);
    std::memcpy(CMSG_DATA(rights), &attached, sizeof attached);
  }
  return ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? platform::last_error() : Error{};
}

}  // namespace

NotifySocket::NotifySocket(std::string_view address) : address_(address) {
  if (present()) static_cast<void>(connect());
}

NotifySocket::~NotifySocket() {
  if (descriptor_ != no_descriptor) ::close(descriptor_);
}

Error NotifySocket::connect() noexcept {
  connected_ = false;
  sockaddr_un where;
  const socklen_t length = to_sockaddr(address_, where);
  if (length == 0) return Errc::bad_argument;
  if (descriptor_ == no_descriptor) descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ == no_descriptor) return platform::last_error();
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&where), length) != 0) return platform::last_error();
  connected_ = true;
  return {};
}

Error NotifySocket::send(std::string_view message, int attached) noexcept {
  if (!present()) return {};
  if (connected_) {
    const Error error = send_once(descriptor_, message, attached);
    if (error.code != Errc::connection_refused && error.code != Errc::not_connected) return error;
  }
  if (const Error error = connect()) return error;
  return send_once(descriptor_, message, attached);
}

}  // namespace weir::systemd
