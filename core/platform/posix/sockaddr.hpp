#pragma once
// Between weir's Address and the system's sockaddr. For the other files of core/platform/posix, and systemd/.

#include <sys/socket.h>

#include "core/base/address.hpp"

namespace weir::platform {

// Returns the length, 0 when the address has no such form (no family, a unix path too long).
socklen_t to_sockaddr(const Address& address, sockaddr_storage& out) noexcept;

// A unix path is left out: Address does not own text.
Address from_sockaddr(const sockaddr_storage& in) noexcept;

int domain_of(Family family) noexcept;  // AF_INET...; AF_UNSPEC for none

}  // namespace weir::platform
