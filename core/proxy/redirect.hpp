#pragma once
// The location of a redirect, made from the parts of a request. Pure; any thread.

#include <string_view>

#include "core/http/h1_writer.hpp"

namespace weir::proxy {

// Expands ${scheme} ${host} ${path} ${query} ${uri} of a redirect location. Control characters never get in.
// The host is written without a port; a path that would begin the location as "//" cannot make it point to another
// host. `query` may have its question mark or not; ${query} has none.
struct RedirectContext {
  std::string_view scheme, host, path, query;
};
void write_location(std::string_view location, const RedirectContext& context, http::SliceWriter& out) noexcept;

}  // namespace weir::proxy
