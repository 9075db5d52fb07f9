#pragma once
// TriedSet: the endpoints of one upstream that an exchange has tried already, by index. Any number of endpoints: the
// first 64 are bits of the object itself, which is all that most upstreams need; an index beyond allocates once. One
// thread.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::proxy {

class TriedSet {
 public:
  // May throw std::bad_alloc, for an index from 64 on only.
  void add(std::size_t index) {
    std::uint64_t* word = &first_;
    if (index >= bits) {
      const std::size_t beyond = index / bits - 1;
      if (beyond >= rest_.size()) rest_.resize(beyond + 1);
      word = &rest_[beyond];
    }
    *word |= std::uint64_t{1} << (index % bits);
  }

  bool contains(std::size_t index) const noexcept {
    if (index < bits) return (first_ >> index & 1) != 0;
    const std::size_t beyond = index / bits - 1;
    return beyond < rest_.size() && (rest_[beyond] >> (index % bits) & 1) != 0;
  }

  bool empty() const noexcept { return first_ == 0 && rest_.empty(); }

 private:
  static constexpr std::size_t bits = 64;
  std::uint64_t first_ = 0;
  std::vector<std::uint64_t> rest_;  // from index 64 on; its last word is never zero
};

}  // namespace weir::proxy
