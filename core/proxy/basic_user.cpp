#include "core/proxy/basic_user.hpp"

#include <cstddef>
#include <cstdint>

#include "core/http/head.hpp"

namespace weir::proxy {
namespace {

// The six bits that a digit of base64 stands for, or -1.
int digit_of(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

std::string_view basic_user(std::string_view authorization, std::span<char> room) noexcept {
  constexpr std::string_view scheme = "basic ";
  if (!http::equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) return {};
  std::string_view coded = authorization.substr(scheme.size());
  while (coded.starts_with(' ')) coded.remove_prefix(1);

  std::uint32_t bits = 0;
  int held = 0;  // of bits, that no byte was made of yet
  std::size_t size = 0;
  for (const char c : coded) {
    const int digit = digit_of(c);
    if (digit < 0) return {};  // the padding, too: no colon came before it
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    const auto byte = static_cast<char>(bits >> held & 0xff);
    if (byte == ':') return {room.data(), size};
    if (size < room.size()) room[size++] = byte;
  }
  return {};
}

}  // namespace weir::proxy
