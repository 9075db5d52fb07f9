#include "core/platform/posix/sockaddr.hpp"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace weir::platform {

int domain_of(Family family) noexcept {
  switch (family) {
    case Family::ipv4: return AF_INET;
    case Family::ipv6: return AF_INET6;
    case Family::unix_path: return AF_UNIX;
    case Family::named_pipe:
    case Family::none: break;
  }
  return AF_UNSPEC;
}

socklen_t to_sockaddr(const Address& address, sockaddr_storage& out) noexcept {
  out = {};
  switch (address.family) {
    case Family::ipv4: {
      sockaddr_in in{};
      in.sin_family = AF_INET;
      in.sin_port = htons(address.port);
      std::memcpy(&in.sin_addr, address.ip.data(), sizeof in.sin_addr);
      std::memcpy(&out, &in, sizeof in);
      return sizeof in;
    }
    case Family::ipv6: {
      sockaddr_in6 in{};
      in.sin6_family = AF_INET6;
      in.sin6_port = htons(address.port);
      in.sin6_scope_id = address.scope;
      std::memcpy(&in.sin6_addr, address.ip.data(), sizeof in.sin6_addr);
      std::memcpy(&out, &in, sizeof in);
      return sizeof in;
    }
    case Family::unix_path: {
      sockaddr_un un{};
      if (address.path.empty() || address.path.size() >= sizeof un.sun_path) return 0;
      un.sun_family = AF_UNIX;
      std::memcpy(un.sun_path, address.path.data(), address.path.size());
      std::memcpy(&out, &un, sizeof un);
      return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.path.size() + 1);
    }
    case Family::named_pipe:
    case Family::none: break;
  }
  return 0;
}

Address from_sockaddr(const sockaddr_storage& in) noexcept {
  Address address;
  if (in.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &in, sizeof v4);
    address.family = Family::ipv4;
    address.port = ntohs(v4.sin_port);
    std::memcpy(address.ip.data(), &v4.sin_addr, sizeof v4.sin_addr);
  } else if (in.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &in, sizeof v6);
    address.family = Family::ipv6;
    address.port = ntohs(v6.sin6_port);
    address.scope = v6.sin6_scope_id;
    std::memcpy(address.ip.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  } else if (in.ss_family == AF_UNIX) {
    address.family = Family::unix_path;
  }
  return address;
}

}  // namespace weir::platform
