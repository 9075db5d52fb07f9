#pragma once
// Facts about threads and processors that the standard library does not tell.

#include <cstddef>
#include <string>

namespace weir::platform {

// Names the calling thread for debuggers and process lists; cut to what the system takes (15 characters on Linux).
void name_thread(const std::string& name) noexcept;

// How many processors this process may use, at least 1.
std::size_t usable_processors() noexcept;

}  // namespace weir::platform
