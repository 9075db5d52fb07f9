#pragma once
// Character classes and the one reading of a field line that heads and trailers share (RFC 9110 section 5). Private to
// core/http. Pure functions; nothing is allocated.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::http {

enum CharClass : std::uint8_t {
  token_char = 1,    // RFC 9110 section 5.6.2
  value_char = 2,    // field values: HTAB, SP, visible ASCII, obs-text
  host_char = 4,     // reg-name without percent-encoding and sub-delims
  unreserved = 8,    // RFC 3986 section 2.3
  path_char = 16,    // visible ASCII but '%', '.', '/', '\\', '?' and '#'
  target_char = 32,  // visible ASCII but '#'
  query_char = 64,   // target_char and the bytes above ASCII
};

consteval std::array<std::uint8_t, 256> make_char_table() {
  std::array<std::uint8_t, 256> table{};
  constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view unreserved_marks = "-._~";
  constexpr std::string_view not_in_path = "%./\\?#";
  for (unsigned c = 0; c < 256; ++c) {
    const char ch = static_cast<char>(c);
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool alnum = alpha || (c >= '0' && c <= '9');
    const bool visible = c > 0x20 && c < 0x7f;
    unsigned bits = 0;
    if (alnum || token_marks.find(ch) != token_marks.npos) bits |= token_char;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) bits |= value_char;
    if (alnum || unreserved_marks.find(ch) != unreserved_marks.npos) bits |= host_char | unreserved;
    if (visible && not_in_path.find(ch) == not_in_path.npos) bits |= path_char;
    if (visible && c != '#') bits |= target_char | query_char;
    if (c >= 0x80) bits |= query_char;
    table[c] = static_cast<std::uint8_t>(bits);
  }
  return table;
}
inline constexpr std::array<std::uint8_t, 256> char_table = make_char_table();

constexpr bool is(CharClass wanted, char c) noexcept {
  return (char_table[static_cast<unsigned char>(c)] & wanted) != 0;
}
constexpr bool is_all(CharClass wanted, std::string_view text) noexcept {
  for (const char c : text)
    if (!is(wanted, c)) return false;
  return true;
}
constexpr bool is_token(std::string_view text) noexcept { return !text.empty() && is_all(token_char, text); }
constexpr bool is_ows(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// The value of a hex digit, or -1.
constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

constexpr std::string_view trim_ows(std::string_view text) noexcept {
  while (!text.empty() && is_ows(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ows(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next element of a comma-separated list off `rest`, trimmed; it may be empty. Call while !rest.empty().
constexpr std::string_view next_element(std::string_view& rest) noexcept {
  const std::size_t comma = rest.find(',');
  const std::string_view element = trim_ows(rest.substr(0, comma));
  rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
  return element;
}

// Whether every byte may stand in a field value; eight at a time, since values are most of a head.
inline bool is_field_value(const char* text, std::size_t size) noexcept {
  constexpr std::uint64_t ones = ~std::uint64_t{0} / 255;
  constexpr std::uint64_t tops = ones * 0x80;
  while (size >= 8) {
    std::uint64_t word;
    std::memcpy(&word, text, 8);
    const std::uint64_t deleted = word ^ (ones * 0x7f);
    const std::uint64_t controls = ((word - ones * 0x20) & ~word) | ((deleted - ones) & ~deleted);
    if ((controls & tops) != 0 && !is_all(value_char, {text, 8})) return false;  // a tab is a control, too
    text += 8;
    size -= 8;
  }
  return is_all(value_char, {text, size});
}

struct FieldLine {
  std::size_t name_size = 0;
  std::size_t value_begin = 0;  // offset from the line's first byte
  std::size_t value_size = 0;
};

// Which word names what is wrong with a line that parse_field_line refused.
std::string_view name_bad_field_line(std::string_view line) noexcept;

// The word for a CR or NUL in a start line or field line, else `otherwise`.
std::string_view name_bad_bytes(std::string_view line, std::string_view otherwise) noexcept;

// Reads `size` bytes that a CR follows. False: refused.
inline bool parse_field_line(const char* line, std::size_t size, FieldLine& out) noexcept {
  std::size_t name_size = 0;
  while (is(token_char, line[name_size])) ++name_size;  // the CR ends it
  if (name_size == 0 || line[name_size] != ':' || name_size > UINT16_MAX) [[unlikely]]
    return false;
  std::size_t begin = name_size + 1;
  while (is_ows(line[begin])) ++begin;
  std::size_t end = size;
  while (end > begin && is_ows(line[end - 1])) --end;
  if (!is_field_value(line + begin, end - begin)) [[unlikely]]
    return false;
  out = {name_size, begin, end - begin};
  return true;
}

}  // namespace weir::http
