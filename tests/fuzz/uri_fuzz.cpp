// Paths and authorities: normal forms agree with a slow and plain reading, are normal themselves and never longer.

#include <cctype>
#include <optional>
#include <vector>

#include "core/http/uri.hpp"
#include "tests/fuzz/h1_invariants.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {
namespace {

// Whether a part of the segment between encoded slashes looks like a dot segment, or the segment is one with
// parameters.
bool hides_dot_segment(std::string segment) {
  const bool whole = segment == "." || segment == "..";
  for (std::size_t at = segment.find("%2F"); at != segment.npos; at = segment.find("%2F")) segment.replace(at, 3, "/");
  segment = "/" + segment + "/";
  for (const char* dots : {"/./", "/../", "/.;", "/..;"}) {
    if (segment.find(dots) != segment.npos) return !whole;
  }
  return false;
}

// The rules of core/http/uri.hpp one after the other, on whole strings. Nothing: refused.
std::optional<std::string> plain_normal(std::string_view path, http::PathRules rules) {
  if (!path.starts_with('/')) return std::nullopt;
  std::string decoded;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(path[i]);
    if (c <= 0x20 || c >= 0x7f || c == '\\' || c == '?' || c == '#') return std::nullopt;
    if (c != '%') {
      decoded += path[i];
      continue;
    }
    if (i + 2 >= path.size() || !std::isxdigit(static_cast<unsigned char>(path[i + 1])) ||
        !std::isxdigit(static_cast<unsigned char>(path[i + 2]))) {
      return std::nullopt;
    }
    const int byte = std::stoi(std::string(path.substr(i + 1, 2)), nullptr, 16);
    if (byte < 0x20 || byte == 0x7f || byte == '\\') return std::nullopt;
    if (byte == '/' && rules.encoded_slash == http::PathRules::EncodedSlash::refuse) return std::nullopt;
    if (byte < 0x80 && (std::isalnum(byte) || byte == '-' || byte == '.' || byte == '_' || byte == '~')) {
      decoded += static_cast<char>(byte);
    } else {
      decoded += '%';
      decoded += static_cast<char>(std::toupper(static_cast<unsigned char>(path[i + 1])));
      decoded += static_cast<char>(std::toupper(static_cast<unsigned char>(path[i + 2])));
    }
    i += 2;
  }
  std::vector<std::string> kept;
  bool directory = false;  // the last segment was a dot segment: a slash ends the path
  for (std::size_t at = 1; at <= decoded.size();) {
    const std::size_t slash = std::min(decoded.find('/', at), decoded.size());
    const std::string segment = decoded.substr(at, slash - at);
    at = slash + 1;
    directory = segment == "." || segment == "..";
    if (hides_dot_segment(segment)) return std::nullopt;
    if (segment.empty() && slash < decoded.size() && rules.merge_slashes) continue;
    if (segment == "..") {
      if (kept.empty()) return std::nullopt;
      kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string result;
  for (const std::string& segment : kept) result += "/" + segment;
  return directory ? result + "/" : result;
}

void check_path(std::string_view path, http::PathRules rules) {
  const Exact in(path);
  const Exact out(path);
  const http::NormalPath normal = http::normalise_path(in.view(), out.bytes.get(), rules);
  const std::optional<std::string> plain = plain_normal(path, rules);
  WEIR_VERIFY((normal.verdict == http::PathVerdict::refused) == !plain.has_value());
  WEIR_VERIFY((normal.verdict == http::PathVerdict::refused) == !normal.word.empty());
  if (!plain) return;
  WEIR_VERIFY(normal.path == *plain && normal.path.size() <= path.size());
  WEIR_VERIFY((normal.verdict == http::PathVerdict::unchanged) == (normal.path == path));
  WEIR_VERIFY(normal.path.data() ==
              (normal.verdict == http::PathVerdict::unchanged ? in.bytes.get() : out.bytes.get()));
  const Exact again(normal.path);
  WEIR_VERIFY(http::normalise_path(normal.path, again.bytes.get(), rules).verdict == http::PathVerdict::unchanged);
}

void check_authority(std::string_view text) {
  const Exact exact(text);
  const std::optional<http::Authority> authority = http::parse_authority(exact.view());
  if (!authority) return;
  WEIR_VERIFY(!authority->host.empty() && exact.view().starts_with(authority->host));
  const std::string_view rest = text.substr(authority->host.size());
  WEIR_VERIFY((rest.empty() || rest == ":") == !authority->port.has_value());
  WEIR_VERIFY(authority->host.find_first_of("@/?#\\,% \t\r\n") == std::string_view::npos);
  if (authority->port) {
    const std::string rebuilt = std::string(authority->host) + ":" + std::to_string(*authority->port);
    const std::optional<http::Authority> second = http::parse_authority(rebuilt);
    WEIR_VERIFY(second && second->host == authority->host && second->port == authority->port);
  }
}

}  // namespace

void uri(std::string_view input) {
  using EncodedSlash = http::PathRules::EncodedSlash;
  for (const bool merge : {true, false}) {
    for (const EncodedSlash encoded : {EncodedSlash::refuse, EncodedSlash::keep}) {
      check_path(input, {merge, encoded});
      check_path("/" + std::string(input), {merge, encoded});
    }
  }
  check_authority(input);
}

}  // namespace weir::fuzz
