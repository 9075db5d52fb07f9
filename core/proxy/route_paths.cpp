#include "core/proxy/route_paths.hpp"

namespace weir::proxy {

void RoutePaths::add(PathRange& range, std::string_view path, bool exact, std::uint32_t candidate) {
  if (range.groups > 0 && groups_.back().exact == exact && names_.view(groups_.back().path) == path) {
    ++groups_.back().candidates.count;
    return;
  }
  if (range.groups++ == 0) {
    range.first_group = static_cast<std::uint32_t>(groups_.size());
    range.first_length = static_cast<std::uint32_t>(lengths_.size());
  }
  groups_.push_back({names_.keep(path), exact, {candidate, 1}});
  const auto length = static_cast<std::uint32_t>(path.size());
  if (exact || (range.lengths > 0 && lengths_.back() == length)) return;
  lengths_.push_back(length);
  ++range.lengths;
}

void RoutePaths::finish(const PathRange& range) {
  if (range.groups <= few) return;
  for (std::uint32_t g = range.first_group; g < range.first_group + range.groups; ++g)
    index_.insert(hash(range, groups_[g].exact, names_.view(groups_[g].path)), g);
}

void RoutePaths::shrink_to_fit() {
  names_.shrink_to_fit();
  groups_.shrink_to_fit();
  lengths_.shrink_to_fit();
}

}  // namespace weir::proxy
