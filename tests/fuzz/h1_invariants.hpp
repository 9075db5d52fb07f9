#pragma once
// What holds for every head that a parser accepts, checked without the parser's own code, and feeding in parts.

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/assert.hpp"
#include "core/base/rng.hpp"
#include "core/http/h1_parser.hpp"

namespace weir::fuzz {

// The same input always gives the same cuts, so that a finding can be replayed.
inline Rng rng_for(std::string_view input) {
  std::uint64_t seed = 14695981039346656037u;
  for (const char c : input) seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return Rng(seed);
}

// Bytes in memory of exactly their size.
struct Exact {
  explicit Exact(std::string_view text) : bytes(new char[text.size()]), size(text.size()) {
    if (size > 0) std::memcpy(bytes.get(), text.data(), size);
  }
  std::string_view view() const { return {bytes.get(), size}; }

  std::unique_ptr<char[]> bytes;
  std::size_t size;
};

inline std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return result;
}

// Everything a caller sees of an accepted head, as text that can be compared.
inline std::string summary(const http::Head& head) {
  std::string text;
  for (const std::uint64_t n :
       {std::uint64_t{head.size}, std::uint64_t{head.start_line_end}, std::uint64_t{head.minor_version},
        static_cast<std::uint64_t>(head.framing), head.content_length, std::uint64_t{head.keep_alive},
        std::uint64_t{head.connection_upgrade}}) {
    text.append(std::to_string(n)).append(" ");
  }
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    const http::Field& f = head.fields[i];
    text.append(head.name(f)).append(":").append(head.value(f)).append(std::to_string(f.line_end));
    text.append(f.named_by_connection ? "n" : "-").append(std::to_string(static_cast<int>(f.id)));
  }
  return text;
}

// Feeds `input` up to each offset that `next_cut` gives, then all of it. The parser has been reset.
template <class Parser, class NextCut, class Summary>
std::string feed(Parser& parser, std::string_view input, NextCut next_cut, Summary summary_of) {
  for (std::size_t size = 0;;) {
    size = std::min(input.size(), next_cut(size));
    const Exact part(input.substr(0, size));
    const http::Parse result = parser.parse(part.view());
    if (result == http::Parse::refused) {
      WEIR_VERIFY(parser.refusal().status >= 400 && !parser.refusal().word.empty());
      WEIR_VERIFY(parser.parse(part.view()) == http::Parse::refused);
      return "refused " + std::to_string(parser.refusal().status) + std::string(parser.refusal().word);
    }
    if (result == http::Parse::complete) return "complete " + summary_of(parser);
    if (size == input.size()) return "need more";
  }
}

// Lines, line ends and names of an accepted head, read from its bytes once more. `framing_ignored`: see ResponseHead.
inline void check_head(const http::Head& head, std::string_view text, bool framing_ignored = false) {
  WEIR_VERIFY(head.size <= text.size() && head.base == text.data());
  text = text.substr(0, head.size);
  WEIR_VERIFY(text.ends_with("\r\n\r\n") || head.field_count == 0);
  WEIR_VERIFY(text.find('\0') == text.npos);
  std::size_t lines = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ++lines;
    if (text[i] == '\n') WEIR_VERIFY(i > 0 && text[i - 1] == '\r');
    if (text[i] == '\r') WEIR_VERIFY(i + 1 < text.size() && text[i + 1] == '\n');
  }
  WEIR_VERIFY(lines == head.field_count + std::size_t{2});

  std::size_t at = head.start_line_end;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    const http::Field& f = head.fields[i];
    const std::string_view line = text.substr(at, f.line_end - at);
    WEIR_VERIFY(f.name_begin == at && line.ends_with("\r\n") && line.find('\n') == line.size() - 1);
    WEIR_VERIFY(line.find(':') == f.name_size && f.name_size > 0);
    const std::string_view name = head.name(f);
    for (const char c : name)
      WEIR_VERIFY(c > 0x20 && c < 0x7f && std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos);
    std::string_view value = line.substr(f.name_size + 1u);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value.remove_suffix(value.size() - (value.find_last_not_of(" \t\r\n") + 1));
    WEIR_VERIFY(value == head.value(f));
    for (const char c : value) WEIR_VERIFY(c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    WEIR_VERIFY(f.id == http::field_id(name));
    lengths += lower_case(name) == "content-length";
    codings += lower_case(name) == "transfer-encoding";
    at = f.line_end;
  }
  WEIR_VERIFY(at + 2 == head.size);
  WEIR_VERIFY(lengths + codings <= 1 || framing_ignored);
  if (head.framing == http::Framing::length) WEIR_VERIFY(lengths == 1);
  if (head.framing == http::Framing::chunked) {
    WEIR_VERIFY(codings == 1 && lower_case(head.value_of(http::FieldId::transfer_encoding)) == "chunked");
    WEIR_VERIFY(head.minor_version == 1);
  }
}

// The same message with every field written as weir would write it.
inline std::string rewritten(const http::Head& head, std::string_view text) {
  std::string result(text.substr(0, head.start_line_end));
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    result.append(head.name(head.fields[i])).append(": ").append(head.value(head.fields[i])).append("\r\n");
  }
  return result + "\r\n";
}

}  // namespace weir::fuzz
