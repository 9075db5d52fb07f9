#pragma once
// Host names to addresses by the system's resolver (hosts file, DNS, whatever the machine is set up with). Blocks, so
// it is for start-up only; never call it on a worker's thread.

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "core/base/address.hpp"

namespace weir::platform {

// Every IPv4 and IPv6 address of the name, in the system's order of preference, without duplicates; never empty.
// The error is the system's sentence ("Name or service not known").
std::expected<std::vector<Address>, std::string> resolve_host(const std::string& host, std::uint16_t port);

}  // namespace weir::platform
