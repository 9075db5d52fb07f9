#include "core/platform/names.hpp"

#include <algorithm>
#include <memory>

#include "core/platform/windows/sockaddr.hpp"
#include "core/platform/windows/text.hpp"

namespace weir::platform {

std::expected<std::vector<Address>, std::string> resolve_host(const std::string& host, std::uint16_t port) {
  if (const Error error = start_winsock()) return std::unexpected(describe(error));
  ADDRINFOW hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  PADDRINFOW found = nullptr;
  const int error = ::GetAddrInfoW(to_wide(host).c_str(), nullptr, &hints, &found);
  if (error != 0) return std::unexpected(system_message(static_cast<unsigned long>(error)));
  const std::unique_ptr<ADDRINFOW, decltype(&::FreeAddrInfoW)> owner(found, &::FreeAddrInfoW);
  std::vector<Address> addresses;
  for (const ADDRINFOW* entry = found; entry != nullptr; entry = entry->ai_next) {
    Address address = from_sockaddr(entry->ai_addr);
    if (address.family == Family::none) continue;
    address.port = port;
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  if (addresses.empty()) return std::unexpected(std::string("the name has no IPv4 or IPv6 address"));
  return addresses;
}

}  // namespace weir::platform
