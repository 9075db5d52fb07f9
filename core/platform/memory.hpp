#pragma once
// Hints to the system's heap. Where it takes none, these do nothing.

#include <cstddef>

namespace weir::platform {

// Before the first thread starts: at most `threads` arenas, and a threshold that keeps loading a large configuration
// from leaving holes behind.
void prepare_heap(std::size_t threads) noexcept;

// After start-up: gives what loading the configuration needed back to the system.
void trim_heap() noexcept;

}  // namespace weir::platform
