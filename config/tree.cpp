#include "config/tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <tuple>

namespace weir::config {

std::string_view Source::line(std::uint32_t index) {
  if (line_starts.empty()) {
    line_starts.push_back(0);
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
      line_starts.push_back(static_cast<std::uint32_t>(at + 1));
    }
  }
  if (index >= line_starts.size()) return {};
  const std::size_t begin = line_starts[index];
  const std::size_t end = index + 1 < line_starts.size() ? line_starts[index + 1] - 1 : text.size();
  std::string_view found = std::string_view{text}.substr(begin, end - begin);
  if (found.ends_with('\r')) found.remove_suffix(1);
  return found;
}

int Source::column(std::uint32_t line_index, std::uint32_t byte) {
  const std::string_view whole = line(line_index);
  const auto end = static_cast<std::uint32_t>(std::min<std::size_t>(byte, whole.size()));
  if (counted_.line != line_index || counted_.byte > end) counted_ = {line_index, 0, 0};
  const std::string_view between = whole.substr(counted_.byte, end - counted_.byte);
  const auto characters = std::count_if(between.begin(), between.end(),
                                        [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  counted_ = {line_index, end, counted_.characters + static_cast<int>(characters)};
  return counted_.characters + 1;
}

const char* Tree::keep(std::string_view text) {
  if (text.empty()) return "";
  auto* copy = static_cast<char*>(arena_.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return copy;
}

std::string Tree::place(const Node& node) {
  Source& from = source(node);
  return fmt::format("{}:{}:{}", from.name, node.line + 1, from.column(node.line, node.column));
}

void Tree::report(Severity severity, const Node& at, std::string key_path, std::string message, std::string hint) {
  report_at(severity, at.file, at.line, at.column, std::move(key_path), std::move(message), std::move(hint));
}

void Tree::report(Diagnostic diagnostic) {
  errors_ += diagnostic.severity == Severity::error ? 1 : 0;
  findings_.push_back({0, 0, 0, findings_.size(), std::move(diagnostic)});
}

Diagnostic Tree::place_at(std::uint32_t file, std::uint32_t line, std::uint32_t column, std::string key_path) {
  Source& from = sources_[file];
  Diagnostic place;
  place.file = from.name;
  place.line = static_cast<int>(line) + 1;
  place.column = from.column(line, column);
  place.key_path = std::move(key_path);
  place.source_line = from.line(line);
  return place;
}

Diagnostic Tree::place_of(const Node& at, std::string key_path) {
  constexpr std::size_t longest_kept = 4096;  // a file may be one line of megabytes, and hold many places
  Diagnostic place = place_at(at.file, at.line, at.column, std::move(key_path));
  if (place.source_line.size() > longest_kept) place.source_line.clear();
  return place;
}

void Tree::report_at(Severity severity, std::uint32_t file, std::uint32_t line, std::uint32_t column,
                     std::string key_path, std::string message, std::string hint) {
  Diagnostic found = place_at(file, line, column, std::move(key_path));
  found.severity = severity;
  found.message = std::move(message);
  found.hint = std::move(hint);
  errors_ += severity == Severity::error ? 1 : 0;
  findings_.push_back({file, line, column, findings_.size(), std::move(found)});
}

std::vector<Diagnostic> Tree::take_diagnostics() {
  std::sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.file, a.line, a.column, a.order) < std::tie(b.file, b.line, b.column, b.order);
  });
  std::vector<Diagnostic> taken;
  taken.reserve(findings_.size());
  for (Finding& finding : findings_) taken.push_back(std::move(finding.diagnostic));
  findings_.clear();
  return taken;
}

Node* find(const Node& map, std::string_view key) noexcept {
  if (map.kind != Kind::map) return nullptr;
  for (Node* at = map.first; at; at = at->next->next) {
    if (at->view() == key) return at->next;
  }
  return nullptr;
}

}  // namespace weir::config
