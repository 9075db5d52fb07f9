#pragma once
// Fills in the addresses of endpoints that were given by name. Blocks on the system's resolver: start-up only, on the
// control thread, while nobody else knows the specification.

#include <string>
#include <vector>

#include "core/proxy/spec.hpp"

namespace weir::daemon {

// One sentence per endpoint that has no address; empty: all have. A name that occurs often is asked for once.
std::vector<std::string> resolve_endpoints(proxy::Spec& spec);

// "weir.yaml:3:9", or empty when it is not from a file.
std::string place_of(const proxy::Origin& origin);

}  // namespace weir::daemon
