#include "core/proxy/template.hpp"

#include <algorithm>

#include "core/base/assert.hpp"

namespace weir::proxy {
namespace {

constexpr std::string_view field_prefix = "header.";

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_field_name(std::string_view name) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";  // RFC 9110 section 5.6.2
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_word(c) || marks.find(c) != marks.npos; });
}

}  // namespace

std::expected<Template, Template::Fault> Template::compile(std::string_view text,
                                                           std::span<const std::string_view> names) {
  using What = Fault::What;
  WEIR_ASSERT(names.size() <= 64);
  Template out;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) out.add(Kind::literal, literal);
    literal.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t dollar = std::min(text.find('$', at), text.size());
    literal += text.substr(at, dollar - at);
    if (dollar == text.size()) break;
    const char next = dollar + 1 < text.size() ? text[dollar + 1] : '\0';
    if (next != '{') {
      if (is_word(next)) {
        std::size_t end = dollar + 1;
        while (end < text.size() && is_word(text[end])) ++end;
        return std::unexpected(Fault{What::bare, dollar, text.substr(dollar + 1, end - dollar - 1)});
      }
      literal += '$';
      at = dollar + (next == '$' ? 2 : 1);
      continue;
    }
    const std::size_t end = text.find('}', dollar);
    if (end == text.npos) return std::unexpected(Fault{What::not_closed, dollar});
    const std::string_view name = text.substr(dollar + 2, end - dollar - 2);
    flush();
    if (name.starts_with(field_prefix)) {
      const std::string_view field = name.substr(field_prefix.size());
      if (!is_field_name(field)) return std::unexpected(Fault{What::no_field_name, dollar, name});
      out.add(Kind::field, field, static_cast<std::uint8_t>(http::field_id(field)));
    } else {
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end()) return std::unexpected(Fault{What::unknown, dollar, name});
      out.add(Kind::variable, {}, static_cast<std::uint8_t>(found - names.begin()));
    }
    at = end + 1;
  }
  flush();
  return out;
}

void Template::add(Kind kind, std::string_view text, std::uint8_t number) {
  pieces_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size()), kind, number});
  text_ += text;
  constant_ = constant_ && kind == Kind::literal;
  uses_fields_ = uses_fields_ || kind == Kind::field;
  if (kind == Kind::variable) used_ |= std::uint64_t{1} << number;
}

}  // namespace weir::proxy
