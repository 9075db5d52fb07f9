#pragma once
// Sets of listeners, as bits: on which listeners a route applies. Made once the listeners are known, immutable after
// that; any thread may read it.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/proxy/spec.hpp"

namespace weir::proxy {

class ListenerSets {
 public:
  static constexpr std::uint32_t every = 0;             // has every listener; no bits are looked at
  static constexpr std::uint32_t nothing = UINT32_MAX;  // has none

  ListenerSets() = default;
  explicit ListenerSets(std::span<const ListenerSpec> listeners);

  // The set of a route that names these listeners; without names all but those that redirect to https. `listeners` as
  // at construction.
  std::uint32_t add(const std::vector<std::string>& names, std::span<const ListenerSpec> listeners);

  bool contains(std::uint32_t set, std::uint32_t listener) const noexcept {
    if (set == every) return true;
    if (set == nothing || listener / 64 >= words_) return false;
    return (bits_[std::size_t{set - 1} * words_ + listener / 64] >> (listener % 64) & 1) != 0;
  }

 private:
  std::uint32_t words_ = 0;  // of a set
  std::uint32_t sets_ = 0;
  bool some_redirect_ = false;
  std::vector<std::uint64_t> bits_;
};

}  // namespace weir::proxy
