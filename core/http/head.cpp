#include "core/http/head.hpp"

#include <cstddef>
#include <cstring>
#include <iterator>

#include "core/http/grammar.hpp"

namespace weir::http {
namespace {

struct KnownName {
  std::string_view name;
  FieldId id;
};

constexpr KnownName known_names[] = {
    {"accept", FieldId::accept},
    {"connection", FieldId::connection},
    {"content-length", FieldId::content_length},
    {"content-type", FieldId::content_type},
    {"date", FieldId::date},
    {"expect", FieldId::expect},
    {"forwarded", FieldId::forwarded},
    {"host", FieldId::host},
    {"keep-alive", FieldId::keep_alive},
    {"location", FieldId::location},
    {"proxy-authenticate", FieldId::proxy_authenticate},
    {"proxy-authorization", FieldId::proxy_authorization},
    {"proxy-connection", FieldId::proxy_connection},
    {"referer", FieldId::referer},
    {"server", FieldId::server},
    {"te", FieldId::te},
    {"trailer", FieldId::trailer},
    {"transfer-encoding", FieldId::transfer_encoding},
    {"upgrade", FieldId::upgrade},
    {"user-agent", FieldId::user_agent},
    {"via", FieldId::via},
    {"x-forwarded-for", FieldId::x_forwarded_for},
    {"x-forwarded-host", FieldId::x_forwarded_host},
    {"x-forwarded-proto", FieldId::x_forwarded_proto},
    {"x-real-ip", FieldId::x_real_ip},
    {"x-request-id", FieldId::x_request_id},
};
constexpr std::size_t longest_name = 19;

// A known name with the bits that case may differ in: (text | case_bits) is the name, in any case of it.
struct Pattern {
  char name[24] = {};
  char case_bits[24] = {};
  FieldId id = FieldId::other;
};

// Length and first letter tell the known names apart: one look-up leaves one candidate. The entry is the position in
// `patterns`; a collision would not compile. The first pattern is of no name.
struct Index {
  std::uint8_t entry[longest_name + 1][32] = {};
  Pattern patterns[1 + std::size(known_names)];
};
consteval Index make_index() {
  Index index;
  std::uint8_t position = 0;
  for (const KnownName& known : known_names) {
    std::uint8_t& entry = index.entry[known.name.size()][static_cast<unsigned char>(known.name[0]) & 31];
    if (entry != 0) throw "two known names share length and first letter";
    entry = ++position;
    Pattern& pattern = index.patterns[position];
    pattern.id = known.id;
    for (std::size_t i = 0; i < known.name.size(); ++i) {
      pattern.name[i] = known.name[i];
      pattern.case_bits[i] = known.name[i] == '-' ? '\0' : ' ';
    }
  }
  return index;
}
constexpr Index name_index = make_index();

template <class Word>
bool same_word(const char* text, const Pattern& pattern, std::size_t at) noexcept {
  Word word, name, bits;
  std::memcpy(&word, text + at, sizeof word);
  std::memcpy(&name, pattern.name + at, sizeof name);
  std::memcpy(&bits, pattern.case_bits + at, sizeof bits);
  return static_cast<Word>(word | bits) == name;
}

// Whole words, the last of them overlapping.
bool matches(const char* text, std::size_t size, const Pattern& pattern) noexcept {
  if (size >= 8) {
    return same_word<std::uint64_t>(text, pattern, 0) && same_word<std::uint64_t>(text, pattern, size - 8) &&
           (size <= 16 || same_word<std::uint64_t>(text, pattern, 8));
  }
  if (size >= 4) {
    return same_word<std::uint32_t>(text, pattern, 0) && same_word<std::uint32_t>(text, pattern, size - 4);
  }
  return same_word<std::uint8_t>(text, pattern, 0) && same_word<std::uint8_t>(text, pattern, size - 1) &&
         same_word<std::uint8_t>(text, pattern, size / 2);
}

constexpr std::array<char, 256> make_lower_table() {
  std::array<char, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = lower(static_cast<char>(c));
  return table;
}
constexpr std::array<char, 256> lower_table = make_lower_table();

}  // namespace

FieldId field_id(std::string_view name) noexcept {
  if (name.empty() || name.size() > longest_name) return FieldId::other;
  const std::uint8_t entry = name_index.entry[name.size()][static_cast<unsigned char>(name[0]) & 31];
  if (entry == 0) return FieldId::other;
  const Pattern& pattern = name_index.patterns[entry];
  return matches(name.data(), name.size(), pattern) ? pattern.id : FieldId::other;
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
