#pragma once
// The paths of all hosts: from a host's range and a request's path to the candidates of each matching path, the most
// specific path first. Filled once in order of precedence, immutable after that; any thread may read it. Knows nothing
// of hosts, methods and fields.

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/proxy/hash_index.hpp"

namespace weir::proxy {

// The paths of one host: exact ones, then prefixes from long to short.
struct PathRange {
  std::uint32_t first_group = 0, groups = 0;
  std::uint32_t first_length = 0, lengths = 0;  // the distinct lengths of its prefixes, from long to short
};

// Positions in the router's list of candidates.
struct CandidateRange {
  std::uint32_t first = 0, count = 0;
};

class RoutePaths {
 public:
  static constexpr std::uint32_t none = HashIndex::none;

  // Adds a path behind the last one of `range`, which must be the range filled at present; or, if that path is the last
  // one, one more candidate of it. `candidate` is one more than at the call before.
  void add(PathRange& range, std::string_view path, bool exact, std::uint32_t candidate);
  // Nothing more is added to that range.
  void finish(const PathRange& range);
  void shrink_to_fit();

  // What look(CandidateRange) returns first that is not none, going through the paths of the range that match, the most
  // specific one first. `path` is normalised.
  template <class Look>
  std::uint32_t find(const PathRange& range, std::string_view path, Look&& look) const noexcept {
    return range.groups <= few ? search(range, path, look) : look_up(range, path, look);
  }

 private:
  // At most this many paths are searched in order; that is one cache line or two, and no hashing.
  static constexpr std::uint32_t few = 6;

  struct Group {  // the candidates of one host and path
    NamePool::Name path;
    bool exact;
    CandidateRange candidates;
  };

  static std::uint32_t hash(const PathRange& range, bool exact, std::string_view path) noexcept {
    return hash_of(path, std::uint64_t{range.first_group} * 2 + exact + 1, 0);
  }
  std::uint32_t find_group(const PathRange& range, bool exact, std::string_view path) const noexcept {
    return index_.find(hash(range, exact, path), [&](std::uint32_t i) noexcept {
      return i - range.first_group < range.groups && groups_[i].exact == exact && names_.view(groups_[i].path) == path;
    });
  }
  // A prefix matches whole segments.
  static bool ends_segment(std::string_view path, std::size_t size) noexcept {
    return size == 0 || path.size() <= size || path[size] == '/';
  }

  template <class Look>
  std::uint32_t search(const PathRange& range, std::string_view path, Look& look) const noexcept {
    for (std::uint32_t g = range.first_group; g < range.first_group + range.groups; ++g) {
      const Group& group = groups_[g];
      const std::size_t size = group.path.size;
      if (group.exact ? path.size() != size : path.size() < size) continue;
      if (!ends_segment(path, size) || path.substr(0, size) != names_.view(group.path)) continue;
      if (const std::uint32_t found = look(group.candidates); found != none) return found;
    }
    return none;
  }
  template <class Look>
  std::uint32_t look_up(const PathRange& range, std::string_view path, Look& look) const noexcept {
    const std::uint32_t exact = find_group(range, true, path);
    if (exact != none)
      if (const std::uint32_t found = look(groups_[exact].candidates); found != none) return found;
    for (std::uint32_t i = range.first_length; i < range.first_length + range.lengths; ++i) {
      const std::uint32_t size = lengths_[i];
      if (path.size() < size || !ends_segment(path, size)) continue;
      const std::uint32_t group = find_group(range, false, path.substr(0, size));
      if (group == none) continue;
      if (const std::uint32_t found = look(groups_[group].candidates); found != none) return found;
    }
    return none;
  }

  NamePool names_;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> lengths_;
  HashIndex index_;  // of ranges with more than a few paths
};

}  // namespace weir::proxy
