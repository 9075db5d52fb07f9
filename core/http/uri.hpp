#pragma once
// Paths and authorities. What is matched is what is forwarded: a path that cannot be normalised unambiguously is refused.
//
// Normalisation of a path (documented in docs/routing.md): percent-encoded unreserved characters are decoded, hex digits
// are put in upper case, "." and ".." segments are resolved (RFC 3986 section 6.2.2); a path that climbs above the root,
// holds an encoded slash or backslash, an encoded NUL or control character, an invalid escape, a raw backslash, a byte
// outside visible ASCII, a dot segment with parameters ("..;x", which some servers resolve), or that does not begin with
// "/" is refused. Empty segments ("//") are kept. The query is never touched and is not part of the path: a raw '?' or
// '#' is refused.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::http {

enum class PathVerdict : std::uint8_t {
  unchanged,   // already normal: forward the received bytes
  rewritten,   // the normal form is in the output
  refused,
};
struct NormalPath {
  PathVerdict verdict;
  std::string_view path;        // the normal form: the input itself, or in `out`
  // With refused: "climbs", "encoded-slash", "encoded-backslash", "encoded-control", "bad-escape", "backslash",
  // "bad-byte", "dot-parameters" or "no-slash". Static storage.
  std::string_view word = {};
};

// `out` has room for path.size() bytes. Pure.
NormalPath normalise_path(std::string_view path, char* out) noexcept;

// host[:port] by RFC 3986: reg-name, IPv4 or bracketed IPv6; `host` is as received, with brackets and case. Stricter
// than the RFC where readers differ: no percent-encoding, sub-delims or zone in the host, no user, no empty host; a port,
// if there is a colon, is 1 to 65535.
struct Authority {
  std::string_view host;                // "example.com", "[::1]"
  std::optional<std::uint16_t> port;
};
std::optional<Authority> parse_authority(std::string_view text) noexcept;

}  // namespace weir::http
