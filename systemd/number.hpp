#pragma once
// Numbers as systemd writes them: decimal digits and nothing else. Any thread.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::systemd {

inline std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace weir::systemd
