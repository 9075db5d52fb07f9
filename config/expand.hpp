#pragma once
// Replaces ${NAME} and ${NAME:-default} in a scalar by the environment, and a scalar tagged !file by what the file
// holds. Reads the environment and files; keeps nothing.

#include <span>
#include <string>
#include <string_view>

#include "config/path.hpp"
#include "config/tree.hpp"

namespace weir::config {

// `left` names variables that are not of the environment. With any the result is a template (core/proxy/template.hpp):
// they stay in it, as does what is not known at all, which compiling reports; what comes from the environment or a file
// is text in it, its dollars doubled.
// False when there was an error (reported). The node then holds its text as written. Done once per node.
bool expand(Tree& tree, Node& scalar, const Path& path, std::span<const std::string_view> left = {});

// Reads a text file of at most `max_bytes`. On failure false, and `error` says why.
bool read_text_file(const std::filesystem::path& path, std::size_t max_bytes, std::string& text, std::string& error);

}  // namespace weir::config
