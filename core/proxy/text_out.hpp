#pragma once
// The plain text building blocks of log lines, error pages and heads: a cursor into room that the caller has measured,
// and calendar arithmetic. Private to core/proxy. Pure; any thread.

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/address.hpp"

namespace weir::proxy {

// Writes without checking: the maker knows that everything fits.
struct TextOut {
  char* at;

  void put(char c) noexcept { *at++ = c; }
  void put(std::string_view text) noexcept {
    // An empty view may have no data, which memcpy does not take.
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
  void number(std::uint64_t value) noexcept { at = std::to_chars(at, at + 20, value).ptr; }
  // Exactly `digits` decimal digits, with leading zeros.
  void padded(std::uint64_t value, int digits) noexcept {
    for (int i = digits - 1; i >= 0; --i) {
      at[i] = static_cast<char>('0' + value % 10);
      value /= 10;
    }
    at += digits;
  }
};

// As write_ip(), but an IPv4 peer of an IPv6 listener is written as the IPv4 address it is.
inline std::string_view peer_ip(const Address& address, char* room) noexcept {
  constexpr std::string_view mapped = "::ffff:";
  const std::string_view text(room, write_ip(address, room));
  return text.starts_with(mapped) && text.find('.') != text.npos ? text.substr(mapped.size()) : text;
}

struct CivilTime {
  std::int64_t year;
  unsigned month, day;  // from 1
  unsigned weekday;     // 0: Sunday
  unsigned hour, minute, second;
};

// Proleptic Gregorian UTC of a number of seconds since 1970, by counting days from a first of March.
constexpr CivilTime civil_time(std::int64_t seconds) noexcept {
  std::int64_t days = seconds / 86400;
  std::int64_t rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  const std::int64_t shifted = days + 719468;  // days since 0000-03-01
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(shifted - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  CivilTime civil{};
  civil.day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  civil.month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  civil.year = static_cast<std::int64_t>(year_of_era) + era * 400 + (civil.month <= 2 ? 1 : 0);
  civil.weekday = static_cast<unsigned>(((days + 4) % 7 + 7) % 7);
  const auto of_day = static_cast<unsigned>(rest);
  civil.hour = of_day / 3600;
  civil.minute = of_day / 60 % 60;
  civil.second = of_day % 60;
  return civil;
}

// Whole seconds, rounded down also before 1970.
constexpr std::int64_t floor_seconds(std::int64_t ns) noexcept {
  return ns / 1'000'000'000 - (ns % 1'000'000'000 < 0 ? 1 : 0);
}

inline constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
inline constexpr std::string_view weekday_names = "SunMonTueWedThuFriSat";

}  // namespace weir::proxy
