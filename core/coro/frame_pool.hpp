#pragma once
// Memory of coroutine frames: per-thread free lists in steps of 64 bytes up to 4 KiB, larger frames from the heap.
// A frame is allocated and freed on one thread, so nothing locks. Frames are counted, so that a test (or the end of a
// worker) can assert that none is left.

#include <cstddef>

namespace weir {

class FramePool {
 public:
  static void* allocate(std::size_t bytes) noexcept;  // never null: aborts when memory is out
  static void release(void* frame, std::size_t bytes) noexcept;

  static std::size_t live() noexcept;   // frames of this thread that exist now
  static std::size_t total() noexcept;  // blocks this thread took from the heap so far; constant in a steady state
  static void trim() noexcept;          // gives this thread's free frames back to the heap
};

}  // namespace weir
