#include "core/base/buffer.hpp"

#include <cstring>
#include <new>

#include "core/base/assert.hpp"
#include "core/base/sanitize.hpp"

namespace weir {

namespace {

constexpr std::size_t cache_line = 64;
constexpr std::size_t header_bytes = cache_line;
// Sixteen starts, 256 bytes apart, spread the first lines of blocks over the 4 KiB that one way of a level-1 cache
// covers.
constexpr std::size_t colours = 16;
constexpr std::size_t colour_step = 256;

}  // namespace

// Sits in the cache line before the block's bytes, so that handing a block out or back does not touch them.
struct BufferPool::Header {
  Header* next;
  void* memory;  // what operator new returned
  bool free;

  char* data() noexcept { return reinterpret_cast<char*>(this) + header_bytes; }
  static Header& of(char* data) noexcept { return *reinterpret_cast<Header*>(data - header_bytes); }
};

BufferPool::BufferPool(std::size_t block_size, std::size_t max_blocks) noexcept
    : block_size_(block_size), max_blocks_(max_blocks) {
  static_assert(sizeof(Header) <= header_bytes);
  WEIR_VERIFY(block_size > 0 && block_size <= UINT32_MAX);
}

BufferPool::~BufferPool() {
  if (borrower_) borrower_->return_blocks();
  WEIR_VERIFY(lent_ == 0);
  WEIR_VERIFY(in_use_ == 0);
  release_free(0);
}

char* BufferPool::pick() noexcept {
  if (!free_) return allocate();
  Header& header = *free_;
  free_ = header.next;
  header.free = false;
  unpoison_memory(header.data(), block_size_);
  return header.data();
}

Buffer BufferPool::take() noexcept {
  char* data = pick();
  if (!data) return {};
  ++in_use_;
  note_peak();
  return Buffer(*this, data);
}

void BufferPool::give_back(char* data) noexcept {
  Header& header = Header::of(data);
  WEIR_VERIFY(!header.free);
  header.free = true;
  header.next = free_;
  free_ = &header;
  --in_use_;
  poison_memory(data, block_size_);
}

bool BufferPool::lend_to(BufferBorrower& borrower) noexcept {
  if (borrower_) return false;
  borrower_ = &borrower;
  return true;
}

void BufferPool::lend_to_nobody() noexcept {
  WEIR_VERIFY(lent_ == 0);
  borrower_ = nullptr;
}

char* BufferPool::lend() noexcept {
  WEIR_ASSERT(borrower_);
  char* data = pick();
  if (!data) return nullptr;
  ++lent_;
  note_peak();
  return data;
}

Buffer BufferPool::reclaim(char* block, std::size_t filled) noexcept {
  WEIR_ASSERT(lent_ > 0 && filled <= block_size_);
  --lent_;
  ++in_use_;
  Buffer buffer(*this, block);
  buffer.commit(filled);
  return buffer;
}

void BufferPool::take_back(char* block) noexcept {
  WEIR_ASSERT(lent_ > 0);
  --lent_;
  ++in_use_;
  give_back(block);
}

char* BufferPool::allocate() noexcept {
  if (max_blocks_ != 0 && allocated_ >= max_blocks_) return nullptr;
  const std::size_t offset = next_colour_ * colour_step;
  void* memory = ::operator new (offset + header_bytes + block_size_, std::align_val_t{cache_line}, std::nothrow);
  if (!memory) return nullptr;
  next_colour_ = (next_colour_ + 1) % colours;
  ++allocated_;
  auto* header = ::new (static_cast<char*>(memory) + offset) Header{nullptr, memory, false};
  return header->data();
}

void BufferPool::trim(std::size_t keep) noexcept { release_free(keep > in_use_ + lent_ ? keep - in_use_ - lent_ : 0); }

void BufferPool::release_free(std::size_t keep) noexcept {
  Header** at = &free_;
  for (; *at && keep > 0; --keep) at = &(*at)->next;
  while (Header* header = *at) {
    *at = header->next;
    unpoison_memory(header->data(), block_size_);
    ::operator delete (header->memory, std::align_val_t{cache_line});
    --allocated_;
  }
}

void Buffer::compact() noexcept {
  if (begin_ == 0) return;
  if (begin_ != end_) std::memmove(data_, data_ + begin_, size());
  end_ -= begin_;
  begin_ = 0;
}

}  // namespace weir
