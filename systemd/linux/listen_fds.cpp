#include "systemd/listen_fds.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "core/platform/errors.hpp"
#include "core/platform/posix/descriptors.hpp"
#include "core/platform/posix/sockaddr.hpp"

namespace weir::systemd {
namespace {

int option(int descriptor, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

std::string path_of(const sockaddr_storage& where, socklen_t length) {
  sockaddr_un un;
  std::memcpy(&un, &where, sizeof un);
  constexpr auto start = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path));
  if (length <= start) return {};
  const std::size_t size = length - start;
  if (un.sun_path[0] == '\0') return "@" + std::string(un.sun_path + 1, size - 1);
  return {un.sun_path, ::strnlen(un.sun_path, size)};
}

}  // namespace

Error inspect(PassedDescriptor& passed) {
  if (!platform::make_private_to_process(passed.descriptor)) return platform::last_error();
  passed.kind = option(passed.descriptor, SO_TYPE) == SOCK_STREAM && option(passed.descriptor, SO_ACCEPTCONN) == 1
                    ? PassedDescriptor::Kind::listening_stream
                    : PassedDescriptor::Kind::other;
  sockaddr_storage where{};
  socklen_t length = sizeof where;
  if (::getsockname(passed.descriptor, reinterpret_cast<sockaddr*>(&where), &length) != 0) return {};
  passed.bound = platform::from_sockaddr(where);
  if (passed.bound.family == Family::unix_path) passed.path = path_of(where, length);
  return {};
}

}  // namespace weir::systemd
