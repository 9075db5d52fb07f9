#pragma once
// The routes of a specification as `weir check -v` prints them, in the order in which they are tried. Pure.

#include <string>

#include "core/proxy/spec.hpp"

namespace weir::daemon {

// One line per route and host, most specific first, then the listeners' own upstreams.
std::string routes_in_match_order(const proxy::Spec& spec);

}  // namespace weir::daemon
