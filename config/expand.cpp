#include "config/expand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "core/base/path.hpp"
#include "core/platform/program.hpp"
#include "core/proxy/template.hpp"

namespace weir::config {

namespace {

constexpr std::size_t max_value_file = 1024 * 1024;  // bytes behind !file
constexpr std::string_view spellings = "write ${NAME} or ${NAME:-default}; $${ is a literal ${";

bool is_name(std::string_view text) noexcept {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_request_variable(std::string_view name) noexcept {
  const auto& names = proxy::request_variables;
  return name.starts_with("header.") || std::find(names.begin(), names.end(), name) != names.end();
}

// What a variable of the environment stands for; nothing where it has neither value nor default.
std::optional<std::string> value_of(std::string_view inside) {
  const std::size_t divider = inside.find(":-");
  const std::string name{inside.substr(0, divider)};
  if (!is_name(name)) return std::nullopt;
  auto value = platform::environment_variable(name);
  if (value && (!value->empty() || divider == std::string_view::npos)) return value;
  if (divider != std::string_view::npos) return std::string(inside.substr(divider + 2));
  return std::nullopt;
}

void report_missing(Tree& tree, const Node& scalar, const Path& path, std::string_view inside) {
  const std::string_view name = inside.substr(0, inside.find(":-"));
  if (is_request_variable(name)) {
    tree.report(Severity::error, scalar, path.text(), fmt::format("${{{}}} is a request variable", name),
                "it can be used in header values, redirects and rewrites; $${ is a literal ${");
  } else if (is_name(name)) {
    tree.report(Severity::error, scalar, path.text(), fmt::format("the environment variable {} is not set", name),
                fmt::format("set it, or give a default: ${{{}:-value}}", name));
  } else {
    tree.report(Severity::error, scalar, path.text(),
                fmt::format("\"{}\" is not the name of an environment variable", name), std::string(spellings));
  }
}

bool expand_text(Tree& tree, Node& scalar, const Path& path) {
  const std::string_view text = scalar.view();
  if (text.find("${") == std::string_view::npos) return true;
  std::string out;
  bool good = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t dollar = std::min(text.find("${", at), text.size());
    out += text.substr(at, dollar - at);
    if (dollar == text.size()) break;
    if (dollar > at && text[dollar - 1] == '$') {
      out += '{';  // the first of the two dollars was copied
      at = dollar + 2;
      continue;
    }
    const std::size_t end = text.find('}', dollar);
    if (end == std::string_view::npos) {
      tree.report(Severity::error, scalar, path.text(), "unclosed ${", std::string(spellings));
      return false;
    }
    const std::string_view inside = text.substr(dollar + 2, end - dollar - 2);
    const auto value = value_of(inside);
    if (value) {
      out += *value;
    } else {
      report_missing(tree, scalar, path, inside);
      good = false;
    }
    at = end + 1;
  }
  if (!good) return false;
  scalar.text = tree.keep(out);
  scalar.size = static_cast<std::uint32_t>(out.size());
  scalar.flags |= Node::expanded;
  return true;
}

std::string with_doubled_dollars(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '$' ? 2 : 1, c);
  return out;
}

// Of a template only what the environment has is replaced.
void expand_template(Tree& tree, Node& scalar, std::span<const std::string_view> left) {
  const std::string_view text = scalar.view();
  if (text.find('$') == std::string_view::npos) return;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t dollar = std::min(text.find('$', at), text.size());
    out += text.substr(at, dollar - at);
    if (dollar == text.size()) break;
    const std::size_t end = text.substr(dollar).starts_with("${") ? text.find('}', dollar) : std::string_view::npos;
    if (end == std::string_view::npos) {
      const std::size_t taken = text.substr(dollar).starts_with("$$") ? 2 : 1;
      out += text.substr(dollar, taken);
      at = dollar + taken;
      continue;
    }
    const std::string_view inside = text.substr(dollar + 2, end - dollar - 2);
    const bool ours = std::find(left.begin(), left.end(), inside.substr(0, inside.find(":-"))) != left.end();
    const auto value = ours ? std::nullopt : value_of(inside);
    out += value ? with_doubled_dollars(*value) : std::string(text.substr(dollar, end + 1 - dollar));
    at = end + 1;
  }
  scalar.text = tree.keep(out);
  scalar.size = static_cast<std::uint32_t>(out.size());
  scalar.flags |= Node::expanded;
}

bool read_value_file(Tree& tree, Node& scalar, const Path& path, bool is_template) {
  const std::filesystem::path file = tree.source(scalar).directory / path_of(scalar.view());
  std::string text;
  std::string error;
  if (!read_text_file(file, max_value_file, text, error)) {
    tree.report(Severity::error, scalar, path.text(), fmt::format("cannot read {}: {}", text_of(file), error),
                "a relative path is relative to the directory of this configuration file");
    return false;
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (is_template) text = with_doubled_dollars(text);
  scalar.text = tree.keep(text);
  scalar.size = static_cast<std::uint32_t>(text.size());
  scalar.flags |= Node::expanded;
  return true;
}

}  // namespace

bool expand(Tree& tree, Node& scalar, const Path& path, std::span<const std::string_view> left) {
  if (!scalar.is_scalar() || scalar.is(Node::expanded)) return true;
  const bool is_template = !left.empty() && !scalar.is(Node::from_file);
  if (is_template) expand_template(tree, scalar, left);
  const bool good = is_template || expand_text(tree, scalar, path);
  if (!scalar.is(Node::from_file)) return good;
  scalar.flags = static_cast<std::uint8_t>(scalar.flags & ~Node::from_file);
  return good && read_value_file(tree, scalar, path, !left.empty());
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
