#pragma once
// The addresses of endpoints that are host names. Blocks on the system's resolver: start-up only, on the control
// thread.

#include <map>
#include <string>
#include <vector>

#include "core/proxy/spec.hpp"

namespace weir::daemon {

struct Resolved {
  std::map<std::string, std::vector<Address>, std::less<>> addresses;  // by EndpointSpec::text
  std::vector<std::string> failures;                                   // a sentence for each endpoint without an address
};

// A name that occurs often is asked for once.
Resolved resolve_endpoints(const proxy::Spec& spec);

// "weir.yaml:3:9", or empty when it is not from a file.
std::string place_of(const proxy::Origin& origin);

}  // namespace weir::daemon
