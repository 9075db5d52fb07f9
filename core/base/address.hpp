#pragma once
// Where a listener is bound and a stream is connected to, as plain data: an IPv4 or IPv6 address with a port, the path
// of a unix socket, or the name of a pipe of this machine (Windows). Trivially copyable. Path and name are a view:
// the maker of the Address keeps the text alive (the specification does).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

enum class Family : std::uint8_t { none, ipv4, ipv6, unix_path, named_pipe };

struct Address {
  Family family = Family::none;
  std::uint16_t port = 0;             // host byte order
  std::uint32_t scope = 0;            // IPv6 zone index
  std::array<std::uint8_t, 16> ip{};  // network byte order; IPv4 uses the first four
  std::string_view path;              // unix_path; named_pipe: its name, without \\.\pipe\ before it

  bool has_port() const noexcept { return family == Family::ipv4 || family == Family::ipv6; }
  friend bool operator==(const Address&, const Address&) noexcept = default;
};

// What Windows has as a pipe's name: with the prefix at most 256 characters, counted in bytes here; no separator in it,
// nothing at its end that the system would drop.
inline constexpr std::string_view pipe_prefix = R"(\\.\pipe\)";
inline constexpr std::size_t max_pipe_name = 256 - pipe_prefix.size();
bool is_pipe_name(std::string_view name) noexcept;

// Parses "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80", ":80" (IPv4 any), "*:80", "unix:/run/a.sock", "\\.\pipe\web".
// Host names are not addresses: nullopt. For a unix path and a pipe the result views into `text`.
std::optional<Address> parse_address(std::string_view text) noexcept;

// Parses an IP literal without a port, "10.0.0.1", "::1" or "fe80::1%2" (a zone is a number; names need the system).
std::optional<Address> parse_ip(std::string_view text) noexcept;

// Writes "127.0.0.1:80", "[::1]:80", "unix:/run/a.sock" or "\\.\pipe\web"; an unnamed unix peer is "unix:", one of a
// pipe its prefix.
std::string to_string(const Address& address);

// Writes the address without port and zone into `out` ("127.0.0.1", "::1", "unix", "pipe"; nothing for none), returns
// the length. IPv6 as RFC 5952 has it.
// `out` has room for max_ip_text bytes.
inline constexpr std::size_t max_ip_text = 46;
std::size_t write_ip(const Address& address, char* out) noexcept;

// An address block such as 10.0.0.0/8 or fd00::/8; a single address is /32 or /128. Parsing clears the bits behind the
// prefix, and makes a block of IPv4-mapped addresses the IPv4 block.
struct AddressBlock {
  Address base;
  std::uint8_t prefix_bits = 0;

  // IPv4-mapped IPv6 peers (::ffff:10.0.0.1) match IPv4 blocks.
  bool contains(const Address& address) const noexcept;
  bool operator==(const AddressBlock&) const = default;
};
std::optional<AddressBlock> parse_block(std::string_view text) noexcept;

}  // namespace weir
