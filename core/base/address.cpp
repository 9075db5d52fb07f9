#include "core/base/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

namespace weir {

namespace {

using Bytes = std::array<std::uint8_t, 16>;

// A decimal number without sign or leading zero, at most `limit`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t limit) noexcept {
  if (text.empty() || text.size() > 10 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > limit) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

bool parse_ipv4(std::string_view text, std::span<std::uint8_t, 4> out) noexcept {
  for (int i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return false;
    const auto octet = parse_number(text.substr(0, dot), 255);
    if (!octet) return false;
    out[i] = static_cast<std::uint8_t>(*octet);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return true;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// One side of a "::", or all of an address without one: groups of up to four hex digits, the last 32 bits perhaps as
// dotted IPv4. Returns the number of bytes written, or -1.
int parse_groups(std::string_view text, Bytes& out, bool may_end_in_ipv4) noexcept {
  int filled = 0;
  if (text.empty()) return 0;
  while (true) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (last && may_end_in_ipv4 && group.find('.') != std::string_view::npos) {
      if (filled > 12 || !parse_ipv4(group, std::span<std::uint8_t, 4>(out.data() + filled, 4))) return -1;
      return filled + 4;
    }
    if (group.empty() || group.size() > 4 || filled > 14) return -1;
    unsigned value = 0;
    for (const char c : group) {
      const int digit = hex_digit(c);
      if (digit < 0) return -1;
      value = value * 16 + static_cast<unsigned>(digit);
    }
    out[filled] = static_cast<std::uint8_t>(value >> 8);
    out[filled + 1] = static_cast<std::uint8_t>(value & 0xff);
    filled += 2;
    if (last) return filled;
    text.remove_prefix(colon + 1);
  }
}

// RFC 4291 section 2.2, all three forms.
bool parse_ipv6(std::string_view text, Bytes& out) noexcept {
  out.fill(0);
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return parse_groups(text, out, true) == 16;
  Bytes tail{};
  const int before = parse_groups(text.substr(0, gap), out, false);
  const int after = parse_groups(text.substr(gap + 2), tail, true);
  if (before < 0 || after < 0 || before + after > 14) return false;
  std::memcpy(out.data() + 16 - after, tail.data(), static_cast<std::size_t>(after));
  return true;
}

bool is_ipv4_mapped(const Bytes& ip) noexcept {
  return std::all_of(ip.begin(), ip.begin() + 10, [](std::uint8_t b) { return b == 0; }) && ip[10] == 0xff &&
         ip[11] == 0xff;
}

char* write_ipv4(const std::uint8_t* ip, char* out) noexcept {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) *out++ = '.';
    out = std::to_chars(out, out + 3, ip[i]).ptr;
  }
  return out;
}

// RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as "::", and IPv4-mapped
// addresses with a dotted end.
char* write_ipv6(const Bytes& ip, char* out) noexcept {
  if (is_ipv4_mapped(ip)) {
    std::memcpy(out, "::ffff:", 7);
    return write_ipv4(ip.data() + 12, out + 7);
  }
  std::array<unsigned, 8> groups{};
  for (int i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(ip[2 * i] << 8 | ip[2 * i + 1]);
  int gap = -1;
  int gap_length = 1;
  for (int i = 0; i < 8;) {
    int end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > gap_length) {
      gap = i;
      gap_length = end - i;
    }
    i = end + 1;
  }
  for (int i = 0; i < 8; ++i) {
    if (i == gap) {
      *out++ = ':';
      *out++ = ':';
      i += gap_length - 1;
      continue;
    }
    if (i > 0 && out[-1] != ':') *out++ = ':';
    out = std::to_chars(out, out + 4, groups[i], 16).ptr;
  }
  return out;
}

// Whatever the case of its letters, as the system sees it.
bool has_pipe_prefix(std::string_view text) noexcept {
  return text.size() >= pipe_prefix.size() &&
         std::equal(pipe_prefix.begin(), pipe_prefix.end(), text.begin(),
                    [](char want, char c) { return want == c || (c >= 'A' && c <= 'Z' && want == c - 'A' + 'a'); });
}

bool same_prefix(const Bytes& a, const Bytes& b, unsigned bits) noexcept {
  const unsigned whole = bits / 8;
  if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

Address unmapped(const Address& address) noexcept {
  Address plain;
  plain.family = Family::ipv4;
  plain.port = address.port;
  std::copy_n(address.ip.begin() + 12, 4, plain.ip.begin());
  return plain;
}

}  // namespace

std::optional<Address> parse_ip(std::string_view text) noexcept {
  Address address;
  if (parse_ipv4(text, std::span<std::uint8_t, 4>(address.ip.data(), 4))) {
    address.family = Family::ipv4;
    return address;
  }
  if (const std::size_t percent = text.find('%'); percent != std::string_view::npos) {
    const auto zone = parse_number(text.substr(percent + 1), UINT32_MAX);
    if (!zone || *zone == 0) return std::nullopt;
    address.scope = *zone;
    text = text.substr(0, percent);
  }
  if (!parse_ipv6(text, address.ip)) return std::nullopt;
  address.family = Family::ipv6;
  return address;
}

bool is_pipe_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > max_pipe_name || name.back() == '.' || name.back() == ' ') return false;
  return std::none_of(name.begin(), name.end(),
                      [](char c) { return c == '\\' || c == '/' || static_cast<unsigned char>(c) < 0x20; });
}

std::optional<Address> parse_address(std::string_view text) noexcept {
  if (has_pipe_prefix(text)) {
    Address address;
    address.family = Family::named_pipe;
    address.path = text.substr(pipe_prefix.size());
    return is_pipe_name(address.path) ? std::optional(address) : std::nullopt;
  }
  if (text.starts_with("unix:")) {
    const std::string_view path = text.substr(5);
    if (path.empty() || path.find('\0') != std::string_view::npos) return std::nullopt;
    Address address;
    address.family = Family::unix_path;
    address.path = path;
    return address;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  const auto port = parse_number(text.substr(colon + 1), 65535);
  if (!port) return std::nullopt;

  std::optional<Address> address;
  if (host.empty() || host == "*") {
    address.emplace().family = Family::ipv4;
  } else if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    address = parse_ip(host.substr(1, host.size() - 2));
    if (address && address->family != Family::ipv6) return std::nullopt;
  } else if (host.find(':') == std::string_view::npos) {
    address = parse_ip(host);
  }
  if (address) address->port = static_cast<std::uint16_t>(*port);
  return address;
}

std::string to_string(const Address& address) {
  switch (address.family) {
    case Family::none: return "none";
    case Family::unix_path: return std::string("unix:").append(address.path);
    case Family::named_pipe: return std::string(pipe_prefix).append(address.path);
    case Family::ipv4:
    case Family::ipv6: break;
  }
  char ip[max_ip_text];
  const std::string_view written(ip, write_ip(address, ip));
  std::string text;
  if (address.family == Family::ipv6) {
    text.append("[").append(written);
    if (address.scope != 0) text.append("%").append(std::to_string(address.scope));
    text.append("]");
  } else {
    text.append(written);
  }
  return text.append(":").append(std::to_string(address.port));
}

std::size_t write_ip(const Address& address, char* out) noexcept {
  switch (address.family) {
    case Family::ipv4: return static_cast<std::size_t>(write_ipv4(address.ip.data(), out) - out);
    case Family::ipv6: return static_cast<std::size_t>(write_ipv6(address.ip, out) - out);
    case Family::unix_path: std::memcpy(out, "unix", 4); return 4;
    case Family::named_pipe: std::memcpy(out, "pipe", 4); return 4;
    case Family::none: break;
  }
  return 0;
}

bool AddressBlock::contains(const Address& address) const noexcept {
  if (base.family != Family::ipv4 && base.family != Family::ipv6) return false;
  if (address.family == base.family) return same_prefix(base.ip, address.ip, prefix_bits);
  if (base.family == Family::ipv4 && address.family == Family::ipv6 && is_ipv4_mapped(address.ip)) {
    return same_prefix(base.ip, unmapped(address).ip, prefix_bits);
  }
  return false;
}

std::optional<AddressBlock> parse_block(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip || ip->scope != 0) return std::nullopt;
  const unsigned width = ip->family == Family::ipv4 ? 32 : 128;
  unsigned bits = width;
  if (slash != std::string_view::npos) {
    const auto given = parse_number(text.substr(slash + 1), width);
    if (!given) return std::nullopt;
    bits = *given;
  }
  AddressBlock block{*ip, static_cast<std::uint8_t>(bits)};
  if (ip->family == Family::ipv6 && bits >= 96 && is_ipv4_mapped(ip->ip)) {
    block = {unmapped(*ip), static_cast<std::uint8_t>(bits - 96)};
  }
  for (unsigned bit = block.prefix_bits; bit < 128; ++bit) {
    block.base.ip[bit / 8] = static_cast<std::uint8_t>(block.base.ip[bit / 8] & ~(0x80u >> (bit % 8)));
  }
  return block;
}

}  // namespace weir
