#include "config/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace weir::config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit duration_units[] = {{"us", 1'000},         {"ms", 1'000'000},        {"s", 1'000'000'000},
                                   {"m", 60'000'000'000}, {"h", 3'600'000'000'000}, {"d", 86'400'000'000'000}};
constexpr Unit size_units[] = {{"B", 1},     {"KiB", 1024},    {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024},
                               {"kB", 1000}, {"MB", 1000'000}, {"GB", 1000'000'000}};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// One "number unit" at the front of `text`, which moves behind it. `value` is in the smallest unit.
Quantity take_part(std::string_view& text, std::span<const Unit> units, std::uint64_t& value) noexcept {
  const std::size_t whole_end = std::min(text.find_first_not_of("0123456789"), text.size());
  if (whole_end == 0) return Quantity::malformed;
  std::size_t number_end = whole_end;
  if (number_end + 1 < text.size() && text[number_end] == '.' && is_digit(text[number_end + 1])) {
    number_end = std::min(text.find_first_not_of("0123456789", number_end + 1), text.size());
  }
  std::size_t unit_end = number_end;
  while (unit_end < text.size() && is_letter(text[unit_end])) ++unit_end;
  const std::string_view unit = text.substr(number_end, unit_end - number_end);
  if (unit.empty()) return number_end == text.size() ? Quantity::no_unit : Quantity::malformed;
  const auto found = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == unit; });
  if (found == units.end()) return Quantity::unknown_unit;

  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (number_end > 24) return Quantity::too_large;
  std::uint64_t whole = 0;
  for (const char c : text.substr(0, whole_end)) {
    if (whole > most / 10 - 1) return Quantity::too_large;
    whole = whole * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (whole > most / found->factor) return Quantity::too_large;
  std::uint64_t sum = whole * found->factor;
  std::uint64_t digits = 0;
  std::uint64_t scale = 1;
  for (std::size_t i = whole_end + 1; i < number_end && scale < 1'000'000'000; ++i) {
    digits = digits * 10 + static_cast<std::uint64_t>(text[i] - '0');
    scale *= 10;
  }
  sum += found->factor / scale * digits + found->factor % scale * digits / scale;
  if (sum > most - value) return Quantity::too_large;
  value += sum;
  text.remove_prefix(unit_end);
  return Quantity::good;
}

std::size_t distance(std::string_view a, std::string_view b) {
  // Edits with neighbouring letters exchanged counted as one.
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row[b.size()];
}

}  // namespace

DurationResult parse_duration(std::string_view text) noexcept {
  if (text == "0") return {Quantity::good, Duration::zero()};
  if (text.empty()) return {Quantity::malformed};
  std::uint64_t nanoseconds = 0;
  while (!text.empty()) {
    const Quantity verdict = take_part(text, duration_units, nanoseconds);
    if (verdict != Quantity::good) return {verdict};
  }
  return {Quantity::good, Duration{static_cast<std::int64_t>(nanoseconds)}};
}

SizeResult parse_size(std::string_view text) noexcept {
  if (text == "0") return {Quantity::good, 0};
  std::uint64_t bytes = 0;
  const Quantity verdict = take_part(text, size_units, bytes);
  if (verdict != Quantity::good) return {verdict};
  return text.empty() ? SizeResult{Quantity::good, bytes} : SizeResult{Quantity::malformed};
}

std::string duration_text(Duration value) {
  auto left = static_cast<std::uint64_t>(value.count());
  if (left == 0) return "0s";
  std::string out;
  for (std::size_t i = std::size(duration_units); i-- > 0;) {
    const Unit& unit = duration_units[i];
    if (left < unit.factor) continue;
    out += fmt::format("{}{}", left / unit.factor, unit.name);
    left %= unit.factor;
  }
  return out;
}

std::string size_text(std::uint64_t bytes) {
  for (std::size_t i = 4; i-- > 0;) {
    const Unit& unit = size_units[i];
    if (bytes >= unit.factor && bytes % unit.factor == 0) return fmt::format("{}{}", bytes / unit.factor, unit.name);
  }
  return "0";
}

std::string_view closest(std::string_view text, std::span<const std::string_view> candidates) {
  std::string_view best;
  if (text.size() > 64) return best;
  const std::string typed = lower(text);
  std::size_t best_distance = std::min<std::size_t>(std::max<std::size_t>(text.size() / 3, 1), 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > text.size() + 3 || text.size() > candidate.size() + 3) continue;
    const std::size_t edits = distance(typed, lower(candidate));
    if (edits >= best_distance || edits >= text.size()) continue;
    best_distance = edits;
    best = candidate;
  }
  return best;
}

BlockResult parse_block_text(std::string_view text) {
  BlockResult result;
  const auto block = parse_block(text);
  if (!block) {
    result.message = fmt::format("\"{}\" is not an address block", text);
    result.hint = "write 10.0.0.0/8, fd00::/8, or a single address such as 10.0.0.1";
    return result;
  }
  // An address with bits behind the prefix was meant to be another block, or a single address.
  const std::string_view address = text.substr(0, text.find('/'));
  const auto same = parse_block(address);
  if (!same || same->base.family != block->base.family || same->base.ip == block->base.ip) {
    result.block = block;
    return result;
  }
  std::array<char, max_ip_text> base;
  const std::string_view shown(base.data(), write_ip(block->base, base.data()));
  result.message = fmt::format("\"{}\" has address bits set beyond its prefix", text);
  result.hint =
      fmt::format("write {}/{} for the block, or {} for this address alone", shown, block->prefix_bits, address);
  return result;
}

std::string joined(std::span<const std::string_view> words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) || std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) noexcept {
  if (text.empty()) return true;
  if (text.front() == ' ' || text.front() == '\t' || text.back() == ' ' || text.back() == '\t') return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace weir::config
