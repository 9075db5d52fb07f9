#pragma once
// LentBlocks: the blocks of a reactor's buffer pool that the kernel holds; it fills one when bytes have come.
// Their number follows what turns use up: a worker with little to do cycles through few of them and finds them in
// its caches, a busy one does not run out. Reactor's thread. It knows nothing of connections. Linux.
#ifdef __linux__

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/buffer.hpp"
#include "core/platform/linux/uring.hpp"

namespace weir {

class LentBlocks {
 public:
  static constexpr std::uint16_t group = 0;  // its name in the kernel

  LentBlocks() noexcept;

  // Precondition: not open; the pool lends to no other backend.
  Error open(platform::Uring& ring, BufferPool& pool) noexcept;
  bool is_open() const noexcept { return ring_.is_open(); }
  BufferPool* pool() const noexcept { return pool_; }  // null: nothing is lent
  void close() noexcept;                               // the kernel chooses none of them any more
  void take_back() noexcept;  // returns unfilled blocks to the pool. Precondition: closed

  // Before the ring is entered: brings as many blocks to the kernel as a turn may use.
  void refill() noexcept;
  std::size_t offered() const noexcept { return offered_; }

  // The block that a completion is about, out of the kernel's hands now but still lent by the pool; null: none is.
  char* used(const io_uring_cqe& completion) noexcept;
  void note_shortage() noexcept { shortage_ = true; }  // a receive found none

 private:
  static constexpr std::size_t least = 16;
  static constexpr std::size_t most = 512;  // a power of two

  platform::BufferRing ring_;
  BufferPool* pool_ = nullptr;
  std::array<char*, most> block_at_{};              // by index: null when it is not with the kernel
  std::array<std::uint16_t, most> free_indices_{};  // the last most - offered_ of them, as a stack from the end
  std::size_t offered_ = 0;
  std::size_t used_ = 0;    // since the last refill
  std::size_t needed_ = 0;  // what a turn uses, falling slowly
  bool shortage_ = false;
};

}  // namespace weir

#endif
