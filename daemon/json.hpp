#pragma once
// JSON as the commands print it: texts with their quotes. Pure; any thread.

#include <string>
#include <string_view>

namespace weir::daemon {

std::string json_quoted(std::string_view text);

}  // namespace weir::daemon
