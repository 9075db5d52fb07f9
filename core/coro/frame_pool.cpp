#include "core/coro/frame_pool.hpp"

#include <new>

#include "core/base/assert.hpp"
#include "core/base/sanitize.hpp"

namespace weir {

namespace {

constexpr std::size_t step = 64;
constexpr std::size_t largest_pooled = 4096;

struct FreeFrame {
  FreeFrame* next;
};

// Trivial, so that it can be used as long as the thread lives, whatever was destroyed before.
struct ThreadFrames {
  FreeFrame* free[largest_pooled / step + 1];  // by size class; class c holds frames of c * step bytes
  std::size_t live;
  std::size_t total;
};
thread_local constinit ThreadFrames frames{};

struct TrimAtThreadEnd {
  void arm() noexcept {}
  ~TrimAtThreadEnd() { FramePool::trim(); }
};
thread_local TrimAtThreadEnd trim_at_thread_end;

void* from_heap(std::size_t bytes) noexcept {
  void* memory = ::operator new(bytes, std::nothrow);
  WEIR_VERIFY(memory != nullptr);
  ++frames.total;
  return memory;
}

}  // namespace

void* FramePool::allocate(std::size_t bytes) noexcept {
  ++frames.live;
  if (bytes > largest_pooled) return from_heap(bytes);
  const std::size_t size_class = (bytes + step - 1) / step;
  FreeFrame* frame = frames.free[size_class];
  if (!frame) {
    trim_at_thread_end.arm();
    return from_heap(size_class * step);
  }
  unpoison_memory(frame, bytes);
  frames.free[size_class] = frame->next;
  return frame;
}

void FramePool::release(void* frame, std::size_t bytes) noexcept {
  WEIR_VERIFY(frames.live > 0);  // zero: the frame was born on another thread
  --frames.live;
  if (bytes > largest_pooled) {
    ::operator delete(frame);
    return;
  }
  const std::size_t size_class = (bytes + step - 1) / step;
  frames.free[size_class] = ::new (frame) FreeFrame{frames.free[size_class]};
  poison_memory(frame, size_class * step);
}

std::size_t FramePool::live() noexcept { return frames.live; }
std::size_t FramePool::total() noexcept { return frames.total; }

void FramePool::trim() noexcept {
  for (std::size_t size_class = 1; size_class <= largest_pooled / step; ++size_class) {
    while (FreeFrame* frame = frames.free[size_class]) {
      unpoison_memory(frame, size_class * step);
      frames.free[size_class] = frame->next;
      ::operator delete(frame);
    }
  }
}

}  // namespace weir
