// The heap of Windows has no arenas to bound and gives back what is free by itself.

#include "core/platform/memory.hpp"

namespace weir::platform {

void prepare_heap(std::size_t) noexcept {}
void trim_heap() noexcept {}

}  // namespace weir::platform
