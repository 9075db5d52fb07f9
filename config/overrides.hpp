#pragma once
// The section `platform`: overrides for one operating system, merged into the tree before anything is built from it.
// Maps are merged key by key; a text or a list replaces what was there; a key without a value removes it.

#include <optional>
#include <vector>

#include "config/tree.hpp"
#include "core/reactor/restrictions.hpp"

namespace weir::config {

// Takes the section out of `root` and merges what it has for `os`; without one nothing is merged. Returns the systems
// that the section names. Reports a section that is not a map, a system that does not exist, and keys that decide which
// files are read, since those cannot depend on the system.
std::vector<Os> apply_overrides(Tree& tree, Node& root, std::optional<Os> os);

}  // namespace weir::config
