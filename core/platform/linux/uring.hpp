#pragma once
// Uring: the two rings of io_uring(7) over the bare system calls: free submission entries, one call that submits and
// waits, completions in order; and a ring of buffers that the kernel fills when bytes are there. It owns the descriptor
// and the mappings, knows no operation, and loses nothing: what does not fit is submitted or set aside first.
// Opened on any thread; everything else belongs to the one that calls enable().

#include <linux/io_uring.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/time.hpp"

namespace weir::platform {

class Uring {
 public:
  Uring() noexcept = default;
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  ~Uring();

  // Proves on a ring of its own that the kernel lets us, and has what we need: a NOP is run, operations are looked up.
  static Error probe() noexcept;
  // Why it does not, for the operator.
  static std::string explain(const Error& error);

  bool receives_multishot() const noexcept;  // one receive that goes on, Linux 6.0

  Error open(unsigned entries, unsigned completions) noexcept;  // disabled: submissions wait for enable()
  // The calling thread is the ring's from now on.
  Error enable() noexcept;
  bool enabled() const noexcept { return enabled_; }

  // A zeroed entry, submitted with the next enter(). Null only when the kernel takes none any more.
  io_uring_sqe* entry() noexcept;
  // Counts the submissions: an entry is with the kernel once this is past what it was when the entry was made.
  std::uint64_t round() const noexcept { return round_; }

  // Submits what is waiting, then sleeps until there is a completion or `time` (relative; zero: not at all) has passed.
  // An error is one that will stay.
  Error enter(Duration time, bool forever) noexcept;
  Error submit() noexcept { return enter(Duration{}, false); }

  // The oldest completion. False: there is none.
  bool next(io_uring_cqe& completion) noexcept;

 private:
  struct Mapping {
    void* at = nullptr;
    std::size_t size = 0;
  };

  Error create(unsigned entries, unsigned completions, unsigned flags) noexcept;
  Error map(const io_uring_params& parameters) noexcept;
  bool has(unsigned char operation) const noexcept;
  unsigned waiting() const noexcept;  // entries that the kernel has not taken
  bool ready(io_uring_cqe& completion) noexcept;
  void set_aside() noexcept;

  int descriptor_ = -1;
  bool enabled_ = false;
  Mapping rings_, entries_mapping_;
  io_uring_sqe* entries_ = nullptr;
  unsigned* sq_head_ = nullptr;
  unsigned* sq_tail_ = nullptr;
  unsigned* sq_array_ = nullptr;
  unsigned* cq_head_ = nullptr;
  unsigned* cq_tail_ = nullptr;
  io_uring_cqe* completions_ = nullptr;
  unsigned sq_size_ = 0;
  unsigned cq_mask_ = 0;
  unsigned tail_ = 0;  // ours: entries before it are filled in
  std::uint64_t round_ = 0;
  std::vector<io_uring_cqe> aside_;  // taken out so that the kernel could go on
  std::size_t next_aside_ = 0;

  friend class BufferRing;
};

// Memory that the kernel chooses from when bytes have come: a receive then holds none while it waits. The blocks stay
// the caller's, who names them by an index below `size`.
class BufferRing {
 public:
  BufferRing() noexcept = default;
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;
  ~BufferRing();

  Error open(Uring& ring, std::uint16_t group, unsigned size) noexcept;  // size: a power of two
  void close() noexcept;                                                 // the kernel chooses none of them any more
  bool is_open() const noexcept { return ring_ != nullptr; }

  void offer(std::uint16_t index, char* data, std::size_t bytes) noexcept;

 private:
  Uring* ring_ = nullptr;
  io_uring_buf_ring* buffers_ = nullptr;
  unsigned size_ = 0;
  std::uint16_t group_ = 0;
  std::uint16_t tail_ = 0;
};

}  // namespace weir::platform
