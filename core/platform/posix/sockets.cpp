#include "core/platform/sockets.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "core/platform/child.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/posix/descriptors.hpp"
#include "core/platform/posix/sockaddr.hpp"
#include "core/platform/run_directory.hpp"

namespace weir::platform {
namespace {

int fd_of(const Handle& handle) noexcept { return static_cast<int>(handle.native); }

bool set_option(int fd, int level, int name, int value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

int option(int fd, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

int make_stream_socket(Family family) noexcept {
#ifdef SOCK_NONBLOCK
  const int fd = ::socket(domain_of(family), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
  const int fd = ::socket(domain_of(family), SOCK_STREAM, 0);
  if (fd >= 0 && !make_private(fd)) {
    ::close(fd);
    return -1;
  }
#endif
#ifdef SO_NOSIGPIPE
  if (fd >= 0) set_option(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
  return fd;
}

bool is_tcp(Family family) noexcept { return family == Family::ipv4 || family == Family::ipv6; }

// A socket file whose server is gone refuses connections. Nothing else may be removed: not another kind of file, not
// the socket of a server that merely is busy.
bool remove_stale_socket_file(const std::string& path, const sockaddr_storage& where, socklen_t length) noexcept {
  struct stat found;
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const int probe = make_stream_socket(Family::unix_path);
  if (probe < 0) return false;
  const int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&where), length);
  const bool stale = result != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return stale && ::unlink(path.c_str()) == 0;
}

Error bind_unix(int fd, const OpenSpec& spec, const sockaddr_storage& where, socklen_t length) noexcept {
  const std::string path(spec.address.path);
  // On Linux the file inherits the mode of the socket, so that it is never more open than it should be.
  if (spec.unix_mode != 0) ::fchmod(fd, spec.unix_mode);
  const auto* address = reinterpret_cast<const sockaddr*>(&where);
  if (::bind(fd, address, length) != 0) {
    const Error error = last_error();
    if (error.code != Errc::address_in_use || !remove_stale_socket_file(path, where, length)) return error;
    if (::bind(fd, address, length) != 0) return last_error();
  }
  if (spec.unix_mode != 0 && ::chmod(path.c_str(), spec.unix_mode) != 0) return last_error();
  return {};
}

Error bind_ip(int fd, const OpenSpec& spec, const sockaddr_storage& where, socklen_t length) noexcept {
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);  // an address whose old connections are in TIME_WAIT is free to us
#ifdef SO_REUSEPORT
  if (spec.reuse_port && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return last_error();
#endif
  if (spec.address.family == Family::ipv6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, spec.v6_only ? 1 : 0);
  // Accepted sockets inherit it on Linux and the BSDs: one call instead of one per connection.
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&where), length) == 0 ? Error{} : last_error();
}

Error open_listener(Handle& handle, const OpenSpec& spec) noexcept {
  sockaddr_storage where;
  const socklen_t length = to_sockaddr(spec.address, where);
  if (length == 0) return Errc::bad_argument;
  const int fd = make_stream_socket(spec.address.family);
  if (fd < 0) return last_error();
  Error error = is_tcp(spec.address.family) ? bind_ip(fd, spec, where, length) : bind_unix(fd, spec, where, length);
  if (!error && ::listen(fd, spec.backlog) != 0) error = last_error();
  if (error) {
    ::close(fd);
    return error;
  }
  handle.native = fd;
  handle.kind = HandleKind::listener;
  return {};
}

Error open_stream(Handle& handle, Family family) noexcept {
  if (family == Family::none) return Errc::bad_argument;
  const int fd = make_stream_socket(family);
  if (fd < 0) return last_error();
  if (is_tcp(family)) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  handle.native = fd;
  handle.kind = HandleKind::stream_socket;
  return {};
}

HandleKind kind_of(int fd, const struct stat& found) noexcept {
  if (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode) || S_ISBLK(found.st_mode)) return HandleKind::regular_file;
  if (S_ISFIFO(found.st_mode)) return HandleKind::pipe;
  if (S_ISCHR(found.st_mode)) return HandleKind::char_device;
  if (!S_ISSOCK(found.st_mode) || option(fd, SO_TYPE) != SOCK_STREAM) return HandleKind::foreign;
  return option(fd, SO_ACCEPTCONN) > 0 ? HandleKind::listener : HandleKind::stream_socket;
}

Error adopt(Handle& handle, NativeHandle native) noexcept {
  const int fd = static_cast<int>(native);
  struct stat found;
  if (::fstat(fd, &found) != 0) return last_error();
  const HandleKind kind = kind_of(fd, found);
  if (kind == HandleKind::regular_file) return refused(rule_named("regular-files-not-watchable"));
  // A descriptor with another owner is only watched: its flags are left as they are.
  if (kind == HandleKind::foreign ? !make_private_to_process(fd) : !make_private(fd)) return last_error();
  handle.native = native;
  handle.kind = kind;
  handle.shared = true;
  return {};
}

template <class Ask>
Result<Address> ask_address(const Handle& handle, Ask ask) noexcept {
  sockaddr_storage where{};
  socklen_t length = sizeof where;
  if (ask(fd_of(handle), reinterpret_cast<sockaddr*>(&where), &length) != 0) return std::unexpected(last_error());
  return from_sockaddr(where);
}

}  // namespace

bool remove_stale_socket(const std::string& path) noexcept {
  Address address;
  address.family = Family::unix_path;
  address.path = path;
  sockaddr_storage where;
  const socklen_t length = to_sockaddr(address, where);
  return length != 0 && remove_stale_socket_file(path, where, length);
}

Error open(Handle& handle, const OpenSpec& spec) noexcept {
  WEIR_VERIFY(!handle.is_open());
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
  } else {
    // Not tried again after EINTR: the descriptor is closed by then on Linux, and may already be reused.
    ::close(fd_of(handle));
  }
  handle.native = no_native_handle;
  handle.kind = HandleKind::none;
  handle.slot = Handle::no_slot;
  handle.maybe_readable = handle.maybe_writable = true;
  handle.hung_up = handle.shared = false;
  handle.armed = 0;
}

void shutdown(Handle& handle, Direction direction) noexcept {
  const int how = direction == Direction::in ? SHUT_RD : direction == Direction::out ? SHUT_WR : SHUT_RDWR;
  ::shutdown(fd_of(handle), how);  // ENOTCONN: the peer was faster
}

void abort_on_close(Handle& handle) noexcept {
  const linger at_once{1, 0};
  ::setsockopt(fd_of(handle), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Result<Address> local_address(const Handle& handle) noexcept { return ask_address(handle, ::getsockname); }
Result<Address> peer_address(const Handle& handle) noexcept { return ask_address(handle, ::getpeername); }

}  // namespace weir::platform
