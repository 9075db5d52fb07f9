#include "config/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace weir::config {

namespace {

constexpr std::size_t widest_excerpt = 110;  // characters of the source line that are shown

bool starts_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

// The part of the line around `column`, cut at characters, and the column inside that part.
struct Excerpt {
  std::string text;
  std::size_t caret = 0;  // characters before the caret
};

Excerpt excerpt_of(std::string_view line, std::size_t column) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (starts_character(line[i])) starts.push_back(i);
  }
  starts.push_back(line.size());
  const std::size_t characters = starts.size() - 1;
  const std::size_t at = std::min(column, characters);
  std::size_t first = 0;
  std::size_t last = characters;
  if (characters > widest_excerpt) {
    first = at > widest_excerpt / 2 ? at - widest_excerpt / 2 : 0;
    last = std::min(characters, first + widest_excerpt);
  }
  Excerpt excerpt;
  if (first > 0) excerpt.text = "...";
  excerpt.caret = excerpt.text.size() + at - first;
  for (const char c : line.substr(starts[first], starts[last] - starts[first])) {
    const auto byte = static_cast<unsigned char>(c);
    excerpt.text += byte < 0x20 || byte == 0x7F ? ' ' : c;  // a tab or an escape sequence would move the caret
  }
  if (last < characters) excerpt.text += "...";
  return excerpt;
}

}  // namespace

std::string render(const Diagnostic& diagnostic) {
  std::string out = diagnostic.file;
  if (diagnostic.line > 0) out += fmt::format(":{}:{}", diagnostic.line, diagnostic.column);
  out += fmt::format(": {}: {}{}{}", diagnostic.severity == Severity::error ? "error" : "warning", diagnostic.target,
                     diagnostic.target.empty() ? "" : ": ", diagnostic.message);
  if (!diagnostic.rule.empty()) out += fmt::format(" [{}]", diagnostic.rule);
  out += '\n';
  if (!diagnostic.key_path.empty()) out += fmt::format("  at {}\n", diagnostic.key_path);
  if (diagnostic.line > 0 && !diagnostic.source_line.empty()) {
    const std::size_t column = diagnostic.column > 0 ? static_cast<std::size_t>(diagnostic.column) - 1 : 0;
    const Excerpt excerpt = excerpt_of(diagnostic.source_line, column);
    out += fmt::format("  {:>4} | {}\n", diagnostic.line, excerpt.text);
    out += fmt::format("       | {:>{}}\n", '^', excerpt.caret + 1);
  }
  if (!diagnostic.hint.empty()) out += fmt::format("  {}\n", diagnostic.hint);
  return out;
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) noexcept {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& d) { return d.severity == Severity::error; });
}

}  // namespace weir::config
