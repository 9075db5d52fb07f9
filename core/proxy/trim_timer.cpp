#include "core/proxy/trim_timer.hpp"

#include "core/coro/frame_pool.hpp"

namespace weir::proxy {

TrimTimer::TrimTimer(Reactor& reactor, void (*memory_freed)(void* context) noexcept, void* context) noexcept
    : Timer([](Timer& timer) noexcept { static_cast<TrimTimer&>(timer).trim_pools(); }),
      reactor_(reactor), memory_freed_(memory_freed), context_(context) {}

void TrimTimer::trim_pools() noexcept {
  bool active = false;
  std::size_t freed = 0;
  for (const Pool& pool : pools_) {
    const Trimmed trimmed = pool.trim(pool.pool);
    active = active || trimmed.peak > 0;
    if (pool.worth == Worth::yes) freed += trimmed.freed;
  }
  BufferPool& buffers = reactor_.buffers();
  const std::size_t before = buffers.allocated();
  buffers.trim(buffers.take_peak());
  freed += before - buffers.allocated();
  if (freed > 0) {
    FramePool::trim();
    if (memory_freed_) memory_freed_(context_);
  }
  if (active || freed > 0) note_activity();
}

}  // namespace weir::proxy
