#pragma once
// Replaces ${NAME} and ${NAME:-default} in a scalar by the environment, and a scalar tagged !file by what the file
// holds. Reads the environment and files; keeps nothing.

#include "config/path.hpp"
#include "config/tree.hpp"

namespace weir::config {

enum class Variables {
  environment,
  redirect,  // ${scheme}, ${host}, ${path}, ${query} and ${uri} are left for the request to fill in
};

// False when there was an error (reported). The node then holds its text as written. Done once per node.
bool expand(Tree& tree, Node& scalar, const Path& path, Variables variables = Variables::environment);

// Reads a text file of at most `max_bytes`. On failure false, and `error` says why.
bool read_text_file(const std::filesystem::path& path, std::size_t max_bytes, std::string& text, std::string& error);

}  // namespace weir::config
