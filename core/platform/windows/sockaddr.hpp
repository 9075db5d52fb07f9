#pragma once
// Between weir's Address and the system's sockaddr. For core/platform/windows and the backends of Windows only.

#include "core/base/address.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {

// Returns the length, 0 when the address has no such form (no family, a path, a name).
int to_sockaddr(const Address& address, sockaddr_storage& out) noexcept;

Address from_sockaddr(const sockaddr* in) noexcept;  // of any length that its family says

int domain_of(Family family) noexcept;  // AF_INET...; AF_UNSPEC for what sockets here do not have

}  // namespace weir::platform
