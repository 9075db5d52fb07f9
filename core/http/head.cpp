#include "core/http/head.hpp"

#include <array>
#include <cstddef>

#include "core/http/field_names.hpp"
#include "core/http/grammar.hpp"

namespace weir::http {
namespace {

constexpr std::array<char, 256> make_lower_table() {
  std::array<char, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = lower(static_cast<char>(c));
  return table;
}
constexpr std::array<char, 256> lower_table = make_lower_table();

}  // namespace

FieldId field_id(std::string_view name) noexcept {
  return name.empty() ? FieldId::other : known_field_id(name.data(), name.size());
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower_table[static_cast<unsigned char>(a[i])] != lower_table[static_cast<unsigned char>(b[i])]) return false;
  }
  return true;
}

const Field* Head::find(std::string_view field_name) const noexcept {
  for (std::uint16_t i = 0; i < field_count; ++i)
    if (fields[i].name_size == field_name.size() && equal_ignoring_case(name(fields[i]), field_name)) return &fields[i];
  return nullptr;
}

std::string_view name_bad_bytes(std::string_view line, std::string_view otherwise) noexcept {
  if (line.find('\r') != line.npos) return "bare-cr";
  if (line.find('\0') != line.npos) return "nul";
  return otherwise;
}

std::string_view name_bad_field_line(std::string_view line) noexcept {
  if (const std::string_view word = name_bad_bytes(line, {}); !word.empty()) return word;
  std::size_t n = 0;
  while (n < line.size() && is(token_char, line[n])) ++n;
  if (n == 0 && !line.empty() && is_ows(line[0])) return "obs-fold";
  const std::size_t colon = line.find(':');
  if (colon == 0) return "empty-name";
  if (colon == line.npos) return "no-colon";
  if (colon == n) return n > UINT16_MAX ? "bad-name" : "control-character";
  return trim_ows(line.substr(n, colon - n)).empty() ? "space-before-colon" : "bad-name";
}

}  // namespace weir::http
