#pragma once
// The names of the fields that weir knows, compared whole words at a time. Private to core/http. Pure.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

#include "core/http/head.hpp"

namespace weir::http {

inline constexpr std::size_t longest_known_name = 19;

// A word of lower-case letters and '-' with the bits that case may differ in: (text | case_bits) is the word, in any
// case of it.
struct Pattern {
  char word[24] = {};
  char case_bits[24] = {};
  std::uint8_t size = 0;
  FieldId id = FieldId::other;

  Pattern() = default;
  consteval explicit Pattern(std::string_view text, FieldId field = FieldId::other)
      : size(static_cast<std::uint8_t>(text.size())), id(field) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      word[i] = text[i];
      case_bits[i] = text[i] == '-' ? '\0' : ' ';
    }
  }

  bool matches(std::string_view text) const noexcept { return text.size() == size && matches(text.data(), size); }

  // `text` has the pattern's size, `length`, of at least 2. The last word compared overlaps the others.
  bool matches(const char* text, std::size_t length) const noexcept {
    if (length >= 8) {
      return same<std::uint64_t>(text, 0) && same<std::uint64_t>(text, length - 8) &&
             (length <= 16 || same<std::uint64_t>(text, 8));
    }
    if (length >= 4) return same<std::uint32_t>(text, 0) && same<std::uint32_t>(text, length - 4);
    return same<std::uint16_t>(text, 0) && same<std::uint16_t>(text, length - 2);
  }

 private:
  template <class Word>
  bool same(const char* text, std::size_t at) const noexcept {
    Word theirs, ours, bits;
    std::memcpy(&theirs, text + at, sizeof theirs);
    std::memcpy(&ours, word + at, sizeof ours);
    std::memcpy(&bits, case_bits + at, sizeof bits);
    return static_cast<Word>(theirs | bits) == ours;
  }
};

inline constexpr Pattern known_fields[] = {
    Pattern("accept", FieldId::accept),
    Pattern("authorization", FieldId::authorization),
    Pattern("connection", FieldId::connection),
    Pattern("content-length", FieldId::content_length),
    Pattern("content-type", FieldId::content_type),
    Pattern("date", FieldId::date),
    Pattern("expect", FieldId::expect),
    Pattern("forwarded", FieldId::forwarded),
    Pattern("host", FieldId::host),
    Pattern("keep-alive", FieldId::keep_alive),
    Pattern("location", FieldId::location),
    Pattern("proxy-authenticate", FieldId::proxy_authenticate),
    Pattern("proxy-authorization", FieldId::proxy_authorization),
    Pattern("proxy-connection", FieldId::proxy_connection),
    Pattern("referer", FieldId::referer),
    Pattern("server", FieldId::server),
    Pattern("te", FieldId::te),
    Pattern("trailer", FieldId::trailer),
    Pattern("transfer-encoding", FieldId::transfer_encoding),
    Pattern("upgrade", FieldId::upgrade),
    Pattern("user-agent", FieldId::user_agent),
    Pattern("via", FieldId::via),
    Pattern("www-authenticate", FieldId::www_authenticate),
    Pattern("x-forwarded-for", FieldId::x_forwarded_for),
    Pattern("x-forwarded-host", FieldId::x_forwarded_host),
    Pattern("x-forwarded-proto", FieldId::x_forwarded_proto),
    Pattern("x-real-ip", FieldId::x_real_ip),
    Pattern("x-request-id", FieldId::x_request_id),
};

// Length and first letter tell the known names apart, so that one look-up leaves one candidate: the entry is the
// position in known_fields plus one. A collision would not compile.
struct FieldIndex {
  std::uint8_t entry[longest_known_name + 1][32] = {};
};
consteval FieldIndex make_field_index() {
  FieldIndex index;
  std::uint8_t position = 0;
  for (const Pattern& field : known_fields) {
    std::uint8_t& entry = index.entry[field.size][static_cast<unsigned char>(field.word[0]) & 31];
    if (entry != 0) throw "two known names share length and first letter";
    entry = ++position;
  }
  return index;
}
inline constexpr FieldIndex field_index = make_field_index();

// field_id() for a name that is not empty.
inline FieldId known_field_id(const char* name, std::size_t size) noexcept {
  if (size > longest_known_name) return FieldId::other;
  const std::uint8_t entry = field_index.entry[size][static_cast<unsigned char>(name[0]) & 31];
  if (entry == 0) return FieldId::other;
  const Pattern& field = known_fields[entry - 1];
  return field.matches(name, size) ? field.id : FieldId::other;
}

}  // namespace weir::http
