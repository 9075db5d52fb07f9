#include "core/platform/memory.hpp"

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace weir::platform {

void prepare_heap([[maybe_unused]] std::size_t threads) noexcept {
#ifdef __GLIBC__
  // A fixed threshold switches off its growth: large tables stay mappings of their own and go back when freed.
  ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 512 * 1024);
  ::mallopt(M_ARENA_MAX, static_cast<int>(threads + 1));
#endif
}

void trim_heap() noexcept {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace weir::platform
