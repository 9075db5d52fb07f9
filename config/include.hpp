#pragma once
// Reads a file and everything its `include` names, as one tree. Relative paths start from the file that writes them.

#include <filesystem>
#include <string_view>

#include "config/tree.hpp"

namespace weir::config {

inline constexpr std::size_t max_file_bytes = 64 * 1024 * 1024;

// The top-level map with the includes merged in, or null: then an error was reported.
Node* load_tree(Tree& tree, const std::filesystem::path& path);
Node* load_tree(Tree& tree, std::string_view text, std::string_view name);

}  // namespace weir::config
