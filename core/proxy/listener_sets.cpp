#include "core/proxy/listener_sets.hpp"

#include <algorithm>

namespace weir::proxy {

ListenerSets::ListenerSets(std::span<const ListenerSpec> listeners)
    : words_(static_cast<std::uint32_t>((listeners.size() + 63) / 64)),
      some_redirect_(std::any_of(listeners.begin(), listeners.end(),
                                 [](const ListenerSpec& listener) { return listener.redirect_to_https; })) {}

std::uint32_t ListenerSets::add(const std::vector<std::string>& names, std::span<const ListenerSpec> listeners) {
  if (names.empty() && !some_redirect_) return every;
  const std::size_t begin = bits_.size();
  bits_.resize(begin + words_, 0);
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const bool applies = names.empty() ? !listeners[i].redirect_to_https
                                       : std::find(names.begin(), names.end(), listeners[i].name) != names.end();
    if (applies) bits_[begin + i / 64] |= std::uint64_t{1} << (i % 64);
  }
  return ++sets_;
}

}  // namespace weir::proxy
