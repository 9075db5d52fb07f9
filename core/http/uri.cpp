#include "core/http/uri.hpp"

#include <cstring>

#include "core/base/address.hpp"
#include "core/http/grammar.hpp"

namespace weir::http {
namespace {

constexpr NormalPath refused(std::string_view word) noexcept { return {PathVerdict::refused, {}, word}; }

constexpr bool is_upper_hex(char c) noexcept { return is_digit(c) || (c >= 'A' && c <= 'F'); }

// The byte an escape at `at` stands for, or -1.
int escaped(std::string_view path, std::size_t at) noexcept {
  if (path.size() - at < 3) return -1;
  const int high = hex_value(path[at + 1]);
  const int low = hex_value(path[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Whether `text` starts with a segment that some server may resolve: ".", "..", or one of them with parameters.
bool starts_with_dots(std::string_view text) noexcept {
  if (!text.starts_with('.')) return false;
  text.remove_prefix(text.starts_with("..") ? 2 : 1);
  return text.empty() || text[0] == '/' || text[0] == ';';
}

// Offset of the first byte that a rewrite, or a refusal, starts with; path.size() if there is none. An encoded slash is
// left to decode(), whatever the rules say: paths that have one are rare.
std::size_t scan_normal(std::string_view path, bool merge_slashes) noexcept {
  std::size_t at = 1;
  while (at < path.size()) {
    const char c = path[at];
    if (is(path_char, c)) {
      ++at;
    } else if (c == '/') {
      if (merge_slashes && path[at - 1] == '/') return at;
      ++at;
    } else if (c == '.') {
      if (path[at - 1] == '/' && starts_with_dots(path.substr(at))) return at;
      ++at;
    } else if (c == '%') {
      const int byte = escaped(path, at);
      const bool normal = byte >= 0x20 && byte != 0x7f && byte != '/' && byte != '\\' &&
                          !is(unreserved, static_cast<char>(byte)) && is_upper_hex(path[at + 1]) &&
                          is_upper_hex(path[at + 2]);
      if (!normal) return at;
      at += 3;
    } else {
      return at;
    }
  }
  return at;
}

// Copies path from `at` to out, escapes put in normal form; `word` says why not. Returns the length of all of `out`.
std::size_t decode(std::string_view path, std::size_t at, char* out, PathRules::EncodedSlash encoded_slash,
                   std::string_view& word) noexcept {
  std::memcpy(out, path.data(), at);
  std::size_t size = at;
  while (at < path.size()) {
    const char c = path[at];
    if (is(path_char, c) || c == '.' || c == '/') {
      out[size++] = c;
      ++at;
      continue;
    }
    if (c != '%') {
      word = c == '\\' ? "backslash" : "bad-byte";
      return 0;
    }
    const int byte = escaped(path, at);
    if (byte < 0) word = "bad-escape";
    if (byte == '/' && encoded_slash == PathRules::EncodedSlash::refuse) word = "encoded-slash";
    if (byte == '\\') word = "encoded-backslash";
    if ((byte >= 0 && byte < 0x20) || byte == 0x7f) word = "encoded-control";
    if (!word.empty()) return 0;
    if (is(unreserved, static_cast<char>(byte))) {
      out[size++] = static_cast<char>(byte);
    } else {
      constexpr char digits[] = "0123456789ABCDEF";
      out[size++] = '%';
      out[size++] = digits[byte >> 4];
      out[size++] = digits[byte & 15];
    }
    at += 3;
  }
  return size;
}

// Whether an encoded slash cuts a dot segment off `segment`: a server that decodes it first would resolve one. The
// segment is in normal form and not itself a dot segment.
bool hides_dots(std::string_view segment) noexcept {
  constexpr std::string_view slash = "%2F";
  for (;;) {
    const std::size_t cut = segment.find(slash);
    if (starts_with_dots(segment.substr(0, cut))) return true;
    if (cut == segment.npos) return false;
    segment.remove_prefix(cut + slash.size());
  }
}

// Removes "." and ".." segments in place (RFC 3986 section 5.2.4, but climbing is refused) and, with merge_slashes,
// empty ones but the last. Returns the new size.
std::size_t resolve_segments(char* path, std::size_t size, bool merge_slashes, std::string_view& word) noexcept {
  std::size_t kept = 0;
  for (std::size_t at = 0; at < size;) {
    const void* slash = std::memchr(path + at + 1, '/', size - at - 1);
    const std::size_t end = slash ? static_cast<std::size_t>(static_cast<const char*>(slash) - path) : size;
    const std::string_view segment(path + at + 1, end - at - 1);
    if (segment == "." || segment == "..") {
      if (segment.size() == 2) {
        if (kept == 0) {
          word = "climbs";
          return 0;
        }
        while (path[--kept] != '/') {}
      }
      if (end == size) path[kept++] = '/';
    } else if (segment.starts_with(".;") || segment.starts_with("..;")) {
      word = "dot-parameters";
      return 0;
    } else if (hides_dots(segment)) {
      word = "encoded-slash-dots";
      return 0;
    } else if (!segment.empty() || end == size || !merge_slashes) {
      std::memmove(path + kept, path + at, end - at);
      kept += end - at;
    }
    at = end;
  }
  return kept;
}

bool parse_port(std::string_view text, std::uint16_t& port) noexcept {
  if (text.empty() || text.size() > 5) return false;
  unsigned value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  port = static_cast<std::uint16_t>(value);
  return value > 0 && value <= UINT16_MAX;
}

bool is_ipv6(std::string_view text) noexcept {
  for (const char c : text)
    if (hex_value(c) < 0 && c != ':' && c != '.') return false;  // no zone: it means something only on one host
  const std::optional<Address> address = parse_ip(text);
  return address && address->family == Family::ipv6;
}

}  // namespace

NormalPath normalise_path(std::string_view path, char* out, PathRules rules) noexcept {
  if (path.empty() || path[0] != '/') return refused("no-slash");
  const std::size_t normal = scan_normal(path, rules.merge_slashes);
  if (normal == path.size()) return {PathVerdict::unchanged, path};
  std::string_view word;
  std::size_t size = decode(path, normal, out, rules.encoded_slash, word);
  if (word.empty()) size = resolve_segments(out, size, rules.merge_slashes, word);
  if (!word.empty()) return refused(word);
  const std::string_view result(out, size);
  if (result == path) return {PathVerdict::unchanged, path};  // an encoded slash that is kept
  return {PathVerdict::rewritten, result};
}

std::optional<Authority> parse_authority(std::string_view text) noexcept {
  Authority result;
  std::size_t host_size = 0;
  if (!text.empty() && text[0] == '[') {
    const std::size_t close = text.find(']');
    if (close == text.npos || !is_ipv6(text.substr(1, close - 1))) return std::nullopt;
    host_size = close + 1;
  } else {
    while (host_size < text.size() && is(host_char, text[host_size])) ++host_size;
    if (host_size == 0) return std::nullopt;
  }
  result.host = text.substr(0, host_size);
  if (host_size == text.size()) return result;
  if (text[host_size] == ':' && host_size + 1 == text.size()) return result;
  std::uint16_t port = 0;
  if (text[host_size] != ':' || !parse_port(text.substr(host_size + 1), port)) return std::nullopt;
  result.port = port;
  return result;
}

}  // namespace weir::http
