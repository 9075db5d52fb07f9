#pragma once
// Builds what is sent as a list of slices: runs of received bytes as they are, literals that outlive the send, and
// copies of short texts in a scratch area. When the scratch or the slices are used up, a buffer from the pool takes
// over, so that nothing is ever cut; only a head beyond that buffer overflows. One thread; part of an exchange.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/buffer.hpp"

namespace weir::http {

class SliceWriter {
 public:
  void reset(BufferPool& pool) noexcept;    // forgets everything; gives a buffer back

  void append_view(std::string_view bytes) noexcept;  // by reference: must stay valid until sent; adjacent views merge
  void copy(std::string_view bytes) noexcept;         // copied now; adjacent copies merge
  void number(std::uint64_t value) noexcept;          // decimal, copied
  void field(std::string_view name, std::string_view value) noexcept;  // "name: value\r\n", copied

  // Everything as one text, which stays valid until the next change. Copies only where there is more than one slice; empty
  // if that does not fit a buffer.
  std::string_view join() noexcept;

  std::span<const IoSlice> slices() const noexcept { return {slices_.data(), count_}; }
  std::span<IoSlice> slices() noexcept { return {slices_.data(), count_}; }
  std::size_t size() const noexcept { return size_; }      // bytes in all slices
  bool overflowed() const noexcept { return overflowed_; }

 private:
  static constexpr std::size_t max_slices = 32;
  static constexpr std::size_t scratch_size = 1024;

  bool flatten() noexcept;
  bool overflow() noexcept;
  bool ends_in_scratch() const noexcept;
  void append_to_spill(std::string_view bytes) noexcept;

  BufferPool* pool_ = nullptr;
  std::array<IoSlice, max_slices> slices_;
  std::size_t count_ = 0;
  std::size_t size_ = 0;
  std::size_t scratch_used_ = 0;
  bool overflowed_ = false;
  Buffer spill_;
  std::array<char, scratch_size> scratch_;
};

// "Not Found" for 404; "Unknown" for a code without a registered phrase.
std::string_view reason_phrase(std::uint16_t status) noexcept;

}  // namespace weir::http
