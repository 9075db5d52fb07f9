#include "core/platform/names.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace weir::platform {
namespace {

bool convert(const sockaddr* from, std::uint16_t port, Address& to) {
  if (from->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, from, sizeof in);
    to.family = Family::ipv4;
    std::memcpy(to.ip.data(), &in.sin_addr, 4);
  } else if (from->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, from, sizeof in);
    to.family = Family::ipv6;
    to.scope = in.sin6_scope_id;
    std::memcpy(to.ip.data(), &in.sin6_addr, 16);
  } else {
    return false;
  }
  to.port = port;
  return true;
}

}  // namespace

std::expected<std::vector<Address>, std::string> resolve_host(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return std::unexpected(std::string(error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Address address;
    if (!convert(entry->ai_addr, port, address)) continue;
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  if (addresses.empty()) return std::unexpected(std::string("the name has no IPv4 or IPv6 address"));
  return addresses;
}

}  // namespace weir::platform
