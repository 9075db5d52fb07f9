#include "core/proxy/log_text.hpp"

namespace weir::proxy {
namespace {

void format_second(std::int64_t second, SecondText& cache) noexcept {
  cache.second = second;
  const CivilTime civil = civil_time(second);
  const auto year = static_cast<std::uint64_t>(civil.year);
  const auto put_clock = [&civil](TextOut& out) {
    out.padded(civil.hour, 2);
    out.put(':');
    out.padded(civil.minute, 2);
    out.put(':');
    out.padded(civil.second, 2);
  };
  TextOut local{cache.local.data()};
  local.padded(civil.day, 2);
  local.put('/');
  local.put(month_names.substr((civil.month - 1) * 3, 3));
  local.put('/');
  local.padded(year, 4);
  local.put(':');
  put_clock(local);
  local.put(" +0000");
  TextOut iso{cache.iso.data()};
  iso.padded(year, 4);
  iso.put('-');
  iso.padded(civil.month, 2);
  iso.put('-');
  iso.padded(civil.day, 2);
  iso.put('T');
  put_clock(iso);
}

constexpr std::array<bool, 256> bytes_to_escape(bool delete_too) {
  std::array<bool, 256> special{};
  for (unsigned c = 0; c < 256; ++c) special[c] = c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
  special[0x7f] = delete_too;
  return special;
}

constexpr char hex_digits[] = "0123456789ABCDEF";

// The bytes of the well-formed UTF-8 sequence at the start of `text` (Unicode table 3-7), or 0.
std::size_t utf8_size(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto continues = [&at](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned lead = at(0);
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;  // no surrogates
    return at(1) >= low && at(1) <= high && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return at(1) >= low && at(1) <= high && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

const SecondText& text_of_second(WallTime time) noexcept {
  static thread_local SecondText cache;
  const std::int64_t second = floor_seconds(time.ns);
  if (cache.second != second) format_second(second, cache);
  return cache;
}

void put_iso_time(TextOut& out, WallTime time) noexcept {
  const SecondText& second = text_of_second(time);
  out.put({second.iso.data(), second.iso.size()});
  out.put('.');
  out.padded(static_cast<std::uint64_t>(time.ns - second.second * 1'000'000'000) / 1'000'000, 3);
  out.put('Z');
}

void put_ms(TextOut& out, Duration value) noexcept {
  const auto us = static_cast<std::uint64_t>(value.count()) / 1000;
  out.number(us / 1000);
  out.put('.');
  out.padded(us % 1000, 3);
}

constinit const std::array<bool, 256> HexEscape::special = bytes_to_escape(true);
constinit const std::array<bool, 256> JsonEscape::special = bytes_to_escape(false);

std::size_t HexEscape::unit(std::string_view& text, char* out) noexcept {
  const auto byte = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  out[0] = '\\';
  out[1] = 'x';
  out[2] = hex_digits[byte >> 4];
  out[3] = hex_digits[byte & 15];
  return 4;
}

std::size_t JsonEscape::unit(std::string_view& text, char* out) noexcept {
  const auto byte = static_cast<unsigned char>(text.front());
  TextOut to{out};
  std::size_t taken = 1;
  if (byte == '"' || byte == '\\') {
    to.put('\\');
    to.put(text.front());
  } else if (byte < 0x20) {
    to.put("\\u00");
    to.put(hex_digits[byte >> 4]);
    to.put(hex_digits[byte & 15]);
  } else if (const std::size_t size = utf8_size(text); size > 0) {
    to.put(text.substr(0, size));
    taken = size;
  } else {
    to.put("\xEF\xBF\xBD");  // U+FFFD
  }
  text.remove_prefix(taken);
  return static_cast<std::size_t>(to.at - out);
}

}  // namespace weir::proxy
