#include "core/platform/windows/sockaddr.hpp"

#include <cstring>

namespace weir::platform {

int domain_of(Family family) noexcept {
  switch (family) {
    case Family::ipv4: return AF_INET;
    case Family::ipv6: return AF_INET6;
    case Family::unix_path:
    case Family::named_pipe:
    case Family::none: break;
  }
  return AF_UNSPEC;
}

int to_sockaddr(const Address& address, sockaddr_storage& out) noexcept {
  out = {};
  if (address.family == Family::ipv4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = ::htons(address.port);
    std::memcpy(&in.sin_addr, address.ip.data(), sizeof in.sin_addr);
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
  }
  if (address.family == Family::ipv6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = ::htons(address.port);
    in.sin6_scope_id = address.scope;
    std::memcpy(&in.sin6_addr, address.ip.data(), sizeof in.sin6_addr);
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
  }
  return 0;
}

Address from_sockaddr(const sockaddr* in) noexcept {
  Address address;
  if (in->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, in, sizeof v4);
    address.family = Family::ipv4;
    address.port = ::ntohs(v4.sin_port);
    std::memcpy(address.ip.data(), &v4.sin_addr, sizeof v4.sin_addr);
  } else if (in->sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, in, sizeof v6);
    address.family = Family::ipv6;
    address.port = ::ntohs(v6.sin6_port);
    address.scope = v6.sin6_scope_id;
    std::memcpy(address.ip.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  }
  return address;
}

}  // namespace weir::platform
