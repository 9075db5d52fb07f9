#pragma once
// The location of a redirect, made from the parts of a request. Pure; any thread.

#include <string_view>

#include "core/http/h1_writer.hpp"

namespace weir::proxy {

// The parts of a request that a location may name. `query` may have its question mark or not; ${query} has none.
struct RedirectContext {
  std::string_view scheme, host, path, query;
  std::string_view host_port;  // as the client wrote it, with its port if there is one
};
// Expands ${scheme} ${host} ${host_port} ${path} ${query} ${uri} of a redirect location. Control characters never get
// in. ${host} has no port: behind another scheme the listener's would be wrong. A path that would begin the location as
// "//" cannot make it point to another host.
void write_location(std::string_view location, const RedirectContext& context, http::SliceWriter& out) noexcept;

}  // namespace weir::proxy
