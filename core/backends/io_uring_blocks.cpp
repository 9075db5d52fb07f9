#include "core/backends/io_uring_blocks.hpp"

#ifdef __linux__

#include <algorithm>
#include <utility>

namespace weir {

LentBlocks::LentBlocks() noexcept {
  for (std::size_t i = 0; i < most; ++i) free_indices_[i] = static_cast<std::uint16_t>(i);
}

Error LentBlocks::open(platform::Uring& ring, BufferPool& pool) noexcept {
  if (const Error error = ring_.open(ring, group, most)) return error;
  pool_ = &pool;
  refill();
  return {};
}

void LentBlocks::refill() noexcept {
  if (!pool_) return;
  needed_ = std::max(std::exchange(used_, 0), needed_ - (needed_ + 15) / 16);
  if (std::exchange(shortage_, false)) needed_ *= 2;
  const std::size_t wanted = std::clamp(needed_ * 2, least, most);
  while (offered_ < wanted) {
    char* block = pool_->lend();
    if (!block) return;  // the pool's bound
    const std::uint16_t index = free_indices_[offered_++];
    block_at_[index] = block;
    ring_.offer(index, block, pool_->block_size());
  }
}

char* LentBlocks::used(const io_uring_cqe& completion) noexcept {
  if ((completion.flags & IORING_CQE_F_BUFFER) == 0) return nullptr;
  const auto index = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
  free_indices_[--offered_] = index;
  ++used_;
  return std::exchange(block_at_[index], nullptr);
}

void LentBlocks::close() noexcept { ring_.close(); }

void LentBlocks::take_back() noexcept {
  for (char*& block : block_at_) {
    if (block) pool_->take_back(std::exchange(block, nullptr));
  }
  for (std::size_t i = 0; i < most; ++i) free_indices_[i] = static_cast<std::uint16_t>(i);
  offered_ = used_ = needed_ = 0;
  std::exchange(pool_, nullptr)->lend_to_nobody();
}

}  // namespace weir

#endif
