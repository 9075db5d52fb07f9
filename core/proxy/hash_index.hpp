#pragma once
// A hash index over names that are kept elsewhere: it finds the position of a name in some other table. Filled once,
// read by any thread after that. Only the configuration inserts, so the hash need not withstand an attacker.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::proxy {

// Eight bytes at a time. `fold` is or-ed into every byte: 0x20 makes the hash blind to the case of letters.
inline std::uint32_t hash_of(std::string_view text, std::uint64_t seed, std::uint8_t fold) noexcept {
  constexpr std::uint64_t multiplier = 0x9e3779b97f4a7c15u;
  const std::uint64_t folds = 0x0101010101010101u * fold;
  std::uint64_t hash = (seed + text.size()) * multiplier;
  const char* at = text.data();
  std::size_t left = text.size();
  const auto mix = [&](std::uint64_t word) noexcept {
    hash = (hash ^ (word | folds)) * multiplier;
    hash ^= hash >> 32;
  };
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    mix(word);
  }
  std::uint64_t word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  mix(word);
  return static_cast<std::uint32_t>(hash);
}

// Open addressing with linear probing, at most half full.
class HashIndex {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  void insert(std::uint32_t hash, std::uint32_t position) {
    if (++used_ * 2 > slots_.size()) grow();
    place({hash, position});
  }
  // The position for which same(position) holds, or none.
  template <class Same>
  std::uint32_t find(std::uint32_t hash, Same&& same) const noexcept {
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot slot = slots_[at];
      if (slot.position == none) return none;
      if (slot.hash == hash && same(slot.position)) return slot.position;
    }
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t position = none;
  };

  void place(Slot slot) noexcept {
    std::size_t at = slot.hash & (slots_.size() - 1);
    while (slots_[at].position != none) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
  void grow() {
    const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
    for (const Slot& slot : before)
      if (slot.position != none) place(slot);
  }

  std::size_t used_ = 0;
  std::vector<Slot> slots_ = std::vector<Slot>(4);
};

// Many names in one text, so that each costs its bytes and no allocation.
class NamePool {
 public:
  struct Name {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  Name keep(std::string_view text) {
    const auto begin = static_cast<std::uint32_t>(bytes_.size());
    bytes_ += text;
    return {begin, static_cast<std::uint32_t>(text.size())};
  }
  std::string_view view(Name name) const noexcept { return {bytes_.data() + name.begin, name.size}; }
  void shrink_to_fit() { bytes_.shrink_to_fit(); }

 private:
  std::string bytes_;
};

}  // namespace weir::proxy
