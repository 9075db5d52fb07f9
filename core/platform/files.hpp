#pragma once
// Files as the standard library cannot open them. Paths are UTF-8. Blocks; any thread; owns nothing.

#include <cstdio>
#include <string>

namespace weir::platform {

// Opens for appending, makes the file if need be. Not inherited by child processes, not buffered, and others may rename
// or delete the file meanwhile, as log rotation does. Null: errno says why.
std::FILE* open_for_append(const std::string& path) noexcept;

}  // namespace weir::platform
