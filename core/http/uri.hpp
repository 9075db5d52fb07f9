#pragma once
// Paths and authorities. What is matched is what is forwarded: a path that cannot be normalised unambiguously is refused.
//
// Normalisation of a path (documented in docs/routing.md): percent-encoded unreserved characters are decoded, hex digits
// are put in upper case, repeated slashes become one, then "." and ".." segments are resolved (RFC 3986 section 6.2.2);
// a path that climbs above the root, holds an encoded slash or backslash, an encoded NUL or control character, an
// invalid escape, a raw backslash, a byte outside visible ASCII, a dot segment with parameters ("..;x", which some
// servers resolve), or that does not start with "/" is refused. PathRules change what is done with slashes. The query
// is never touched and is not part of the path: a raw '?' or '#' is refused.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::http {

// What origins disagree about.
struct PathRules {
  enum class EncodedSlash : std::uint8_t {
    refuse,  // %2F is refused: "encoded-slash"
    keep,    // %2F is data; beside a dot segment ("/..%2Fa", "/a%2F..") it is refused: "encoded-slash-dots"
  };
  bool merge_slashes = true;  // false: "//" holds an empty segment, which ".." removes like any other
  EncodedSlash encoded_slash = EncodedSlash::refuse;
  bool operator==(const PathRules&) const = default;
};

enum class PathVerdict : std::uint8_t {
  unchanged,   // already normal: forward the received bytes
  rewritten,   // the normal form is in the output
  refused,
};
struct NormalPath {
  PathVerdict verdict;
  std::string_view path;        // the normal form: the input itself, or in `out`
  // With refused: "climbs", "encoded-slash", "encoded-slash-dots", "encoded-backslash", "encoded-control",
  // "bad-escape", "backslash", "bad-byte", "dot-parameters" or "no-slash". Static storage.
  std::string_view word = {};
};

// `out` has room for path.size() bytes. Pure. The normal form is normal under the same rules.
NormalPath normalise_path(std::string_view path, char* out, PathRules rules = {}) noexcept;

// host[:port] by RFC 3986: reg-name, IPv4 or bracketed IPv6; `host` is as received, with brackets and case. Stricter
// than the RFC where readers differ: no percent-encoding, sub-delims or zone in the host, no user, no empty host; a
// port is 1 to 65535. An empty one ("a.test:") is allowed and means none (RFC 3986 section 3.2.3).
struct Authority {
  std::string_view host;                // "example.com", "[::1]"
  std::optional<std::uint16_t> port;
};
std::optional<Authority> parse_authority(std::string_view text) noexcept;

}  // namespace weir::http
