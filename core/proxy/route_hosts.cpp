#include "core/proxy/route_hosts.hpp"

#include <algorithm>
#include <functional>

namespace weir::proxy {

PathRange& RouteHosts::add(std::string_view key) {
  if (key.empty()) return hosts_[any].paths;
  if (const std::uint32_t known = position_of(key); known != none) return hosts_[known].paths;
  const auto position = static_cast<std::uint32_t>(hosts_.size());
  hosts_.push_back({names_.keep(key), {}});
  index_.insert(hash(key), position);
  if (key.front() == '.') wildcard_lengths_.push_back(static_cast<std::uint32_t>(key.size()));
  return hosts_.back().paths;
}

void RouteHosts::finish() {
  std::sort(wildcard_lengths_.begin(), wildcard_lengths_.end(), std::greater<>());
  wildcard_lengths_.erase(std::unique(wildcard_lengths_.begin(), wildcard_lengths_.end()), wildcard_lengths_.end());
  names_.shrink_to_fit();
  hosts_.shrink_to_fit();
}

}  // namespace weir::proxy
