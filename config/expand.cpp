#include "config/expand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/base/path.hpp"
#include "core/platform/program.hpp"

namespace weir::config {

namespace {

constexpr std::size_t max_value_file = 1024 * 1024;  // bytes behind !file
constexpr std::string_view request_names[] = {"scheme", "host", "host_port", "path", "query", "uri"};

bool is_name(std::string_view text) noexcept {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_request_name(std::string_view name) noexcept {
  return std::find(std::begin(request_names), std::end(request_names), name) != std::end(request_names);
}

// Writes what stands between "${" and "}" to `out`.
bool expand_variable(Tree& tree, const Node& scalar, const Path& path, Variables variables, std::string_view inside,
                     std::string& out) {
  const std::size_t divider = inside.find(":-");
  const std::string name{inside.substr(0, divider)};
  if (variables == Variables::redirect && is_request_name(inside)) {
    out += fmt::format("${{{}}}", inside);
    return true;
  }
  if (!is_name(name)) {
    tree.report(Severity::error, scalar, path.text(), fmt::format("\"{}\" is no name of an environment variable", name),
                "write ${NAME} or ${NAME:-default}; $${ stands for ${ itself");
    return false;
  }
  const auto value = platform::environment_variable(name);
  if (value && (!value->empty() || divider == std::string_view::npos)) {
    out += *value;
    return true;
  }
  if (divider != std::string_view::npos) {
    out += inside.substr(divider + 2);
    return true;
  }
  std::string hint = fmt::format("set it, or give a default: ${{{}:-value}}", name);
  if (variables == Variables::redirect) hint += "; of the request there are ${scheme} ${host} ${host_port} ${path} ${query} ${uri}";
  tree.report(Severity::error, scalar, path.text(), fmt::format("the environment variable {} is not set", name),
              std::move(hint));
  return false;
}

bool expand_text(Tree& tree, Node& scalar, const Path& path, Variables variables) {
  const std::string_view text = scalar.view();
  if (text.find("${") == std::string_view::npos) return true;
  std::string out;
  bool good = true;
  bool changed = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t dollar = std::min(text.find("${", at), text.size());
    out += text.substr(at, dollar - at);
    if (dollar == text.size()) break;
    changed = true;
    if (dollar > at && text[dollar - 1] == '$') {
      out += '{';  // the first of the two dollars was copied
      at = dollar + 2;
      continue;
    }
    const std::size_t end = text.find('}', dollar);
    if (end == std::string_view::npos) {
      tree.report(Severity::error, scalar, path.text(), "a ${ is opened and never closed",
                  "write ${NAME} or ${NAME:-default}; $${ stands for ${ itself");
      return false;
    }
    good = expand_variable(tree, scalar, path, variables, text.substr(dollar + 2, end - dollar - 2), out) && good;
    at = end + 1;
  }
  if (!good) return false;
  scalar.text = tree.keep(out);
  scalar.size = static_cast<std::uint32_t>(out.size());
  if (changed) scalar.flags |= Node::expanded;
  return true;
}

bool read_value_file(Tree& tree, Node& scalar, const Path& path) {
  const std::filesystem::path file = tree.source(scalar).directory / path_of(scalar.view());
  std::string text;
  std::string error;
  if (!read_text_file(file, max_value_file, text, error)) {
    tree.report(Severity::error, scalar, path.text(), fmt::format("cannot read {}: {}", text_of(file), error),
                "a relative path starts from the directory of this configuration file");
    return false;
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  scalar.text = tree.keep(text);
  scalar.size = static_cast<std::uint32_t>(text.size());
  scalar.flags |= Node::expanded;
  return true;
}

}  // namespace

bool expand(Tree& tree, Node& scalar, const Path& path, Variables variables) {
  if (!scalar.is_scalar() || scalar.is(Node::expanded)) return true;
  const bool good = expand_text(tree, scalar, path, variables);
  if (!scalar.is(Node::from_file)) return good;
  scalar.flags = static_cast<std::uint8_t>(scalar.flags & ~Node::from_file);
  return good && read_value_file(tree, scalar, path);
}

bool read_text_file(const std::filesystem::path& path, std::size_t max_bytes, std::string& text, std::string& error) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    error = "it is a directory";
    return false;
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    error = errno != 0 ? std::strerror(errno) : "it cannot be opened";
    return false;
  }
  char block[16 * 1024];
  while (in) {
    in.read(block, sizeof block);
    text.append(block, static_cast<std::size_t>(in.gcount()));
    if (text.size() > max_bytes) {
      error = fmt::format("it is larger than {} KiB", max_bytes / 1024);
      return false;
    }
  }
  if (in.bad()) {
    error = "reading failed";
    return false;
  }
  return true;
}

}  // namespace weir::config
