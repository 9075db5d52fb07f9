#pragma once
// The calls that every proxied request makes several times. Where it is possible they go straight to the kernel: the C
// library makes each one a cancellation point of its thread, which costs more than the call's own user code, and weir
// cancels no thread. Results and errno as from recv(2), send(2) and sendmsg(2). Any thread.

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>

#include "core/base/sanitize.hpp"

#if defined(__linux__) && !defined(WEIR_SANITIZED)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace weir::platform {

#if defined(__linux__) && !defined(WEIR_SANITIZED) && defined(SYS_recvfrom) && defined(SYS_sendto) && defined(SYS_sendmsg)
inline ssize_t receive_bytes(int fd, void* data, std::size_t size) noexcept {
  return ::syscall(SYS_recvfrom, fd, data, size, 0, nullptr, nullptr);
}
inline ssize_t send_bytes(int fd, const void* data, std::size_t size, int flags) noexcept {
  return ::syscall(SYS_sendto, fd, data, size, flags, nullptr, 0);
}
inline ssize_t send_message(int fd, const msghdr* message, int flags) noexcept {
  return ::syscall(SYS_sendmsg, fd, message, flags);
}
#else
inline ssize_t receive_bytes(int fd, void* data, std::size_t size) noexcept { return ::recv(fd, data, size, 0); }
inline ssize_t send_bytes(int fd, const void* data, std::size_t size, int flags) noexcept {
  return ::send(fd, data, size, flags);
}
inline ssize_t send_message(int fd, const msghdr* message, int flags) noexcept { return ::sendmsg(fd, message, flags); }
#endif

}  // namespace weir::platform
