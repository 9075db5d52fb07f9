#pragma once
// The kernel's own bound on descriptors, which setrlimit enforces though getrlimit says "infinity". Control thread.

#include <cstddef>

namespace weir::platform {

std::size_t most_descriptors() noexcept;  // of one process

}  // namespace weir::platform
