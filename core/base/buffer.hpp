#pragma once
// Byte buffers of one size from a pool of one thread. A Buffer is an owning handle: destroying it gives the block back.
// Blocks are handed out last in, first out, so that a busy worker touches few of them; their starts are staggered over
// cache sets, since every request head begins at offset 0. Never shared between threads.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace weir {

class BufferPool;

// One block, filled from `begin` to `end`; bytes before `begin` were consumed. Move-only.
class Buffer {
 public:
  Buffer() noexcept = default;
  Buffer(Buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = std::exchange(other.pool_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      begin_ = std::exchange(other.begin_, 0);
      end_ = std::exchange(other.end_, 0);
    }
    return *this;
  }
  ~Buffer() { reset(); }

  explicit operator bool() const noexcept { return data_ != nullptr; }
  void reset() noexcept;  // gives the block back; then empty

  char* data() noexcept { return data_ + begin_; }
  const char* data() const noexcept { return data_ + begin_; }
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  std::string_view view() const noexcept { return {data_ + begin_, size()}; }

  std::span<char> room() noexcept;  // free space behind the filled bytes
  void commit(std::size_t n) noexcept { end_ += static_cast<std::uint32_t>(n); }
  void consume(std::size_t n) noexcept { begin_ += static_cast<std::uint32_t>(n); }
  void clear() noexcept { begin_ = end_ = 0; }
  void compact() noexcept;  // moves the filled bytes to the start of the block

 private:
  friend class BufferPool;
  Buffer(BufferPool& pool, char* data) noexcept : pool_(&pool), data_(data) {}

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
};

// A holder of blocks of a pool that are still empty: a backend whose kernel chooses one when bytes arrive.
class BufferBorrower {
 public:
  virtual void return_blocks() noexcept = 0;  // the pool ends: all are taken back before this returns

 protected:
  ~BufferBorrower() = default;
};

class BufferPool {
 public:
  static constexpr std::size_t default_block_size = 32 * 1024;

  // `max_blocks` bounds the pool (0: no bound); take() beyond it returns an empty Buffer.
  explicit BufferPool(std::size_t block_size = default_block_size, std::size_t max_blocks = 0) noexcept;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();  // every Buffer has been given back: verified

  Buffer take() noexcept;  // empty when the bound is reached or memory is out
  std::size_t block_size() const noexcept { return block_size_; }
  std::size_t in_use() const noexcept { return in_use_; }
  std::size_t allocated() const noexcept { return allocated_; }
  // The most that were in use or lent at once since the last call.
  std::size_t take_peak() noexcept { return std::exchange(peak_, in_use_ + lent_); }

  // Lending: to one borrower at a time. Lent blocks count against the bound and are not in use.
  bool lend_to(BufferBorrower& borrower) noexcept;  // false: there is one already
  void lend_to_nobody() noexcept;                   // precondition: nothing is lent
  char* lend() noexcept;                            // null when the bound is reached or memory is out
  Buffer reclaim(char* block, std::size_t filled) noexcept;  // in use from now on
  void take_back(char* block) noexcept;                      // unused

  // Gives free blocks back to the heap until `keep` are left in all, used and lent ones included.
  void trim(std::size_t keep = 0) noexcept;

 private:
  friend class Buffer;
  struct Header;
  void give_back(char* data) noexcept;
  char* allocate() noexcept;
  char* pick() noexcept;
  void note_peak() noexcept {
    if (in_use_ + lent_ > peak_) peak_ = in_use_ + lent_;
  }
  void release_free(std::size_t keep) noexcept;

  Header* free_ = nullptr;
  std::size_t block_size_;
  std::size_t max_blocks_;
  std::size_t in_use_ = 0;
  std::size_t lent_ = 0;
  BufferBorrower* borrower_ = nullptr;
  std::size_t peak_ = 0;
  std::size_t allocated_ = 0;
  std::size_t next_colour_ = 0;
};

inline void Buffer::reset() noexcept {
  if (data_) pool_->give_back(data_);
  pool_ = nullptr;
  data_ = nullptr;
  begin_ = end_ = 0;
}
inline std::span<char> Buffer::room() noexcept { return {data_ + end_, pool_->block_size() - end_}; }

// A run of bytes to be sent, laid out like an iovec (checked where one is needed).
struct IoSlice {
  const char* data;
  std::size_t size;

  IoSlice() noexcept = default;  // uninitialised, as an array element that is not used yet
  IoSlice(const char* bytes, std::size_t length) noexcept : data(bytes), size(length) {}
  IoSlice(std::string_view text) noexcept
      : data(text.data()), size(text.size()) {}  // NOLINT(google-explicit-constructor)
};

}  // namespace weir
