#pragma once
// Slices as the system takes them: its order of length and pointer is not ours. For core/platform/windows and the
// backends of Windows only. Lives on the stack of one call, which copies what it needs.

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/platform/windows/winsock.hpp"
#include "core/reactor/op.hpp"

namespace weir::platform {

class Buffers {
 public:
  // Takes over as many slices as fit; the rest is another send's.
  explicit Buffers(const SliceArgs& slices) noexcept {
    for (std::uint32_t i = 0; i < slices.count && count_ < list_.size() && total_ < most; ++i) {
      const std::size_t size = std::min(slices.slices[i].size, most - total_);
      list_[count_++] = {static_cast<ULONG>(size), const_cast<char*>(slices.slices[i].data)};
      total_ += size;
    }
  }

  WSABUF* data() noexcept { return list_.data(); }
  DWORD count() const noexcept { return count_; }
  std::size_t total() const noexcept { return total_; }

 private:
  static constexpr std::size_t most = 1U << 30;  // bytes: results are counted in 32 bits
  std::array<WSABUF, 64> list_;
  DWORD count_ = 0;
  std::size_t total_ = 0;
};

}  // namespace weir::platform
