#pragma once
// Small readings of texts: quantities with units, and which known word a misspelt one may have meant. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/time.hpp"

namespace weir::config {

enum class Quantity { good, malformed, no_unit, unknown_unit, too_large };

// "30s", "1m30s", "1.5s", "250ms"; units us, ms, s, m, h, d. "0" needs no unit.
struct DurationResult {
  Quantity verdict;
  Duration value{};
};
DurationResult parse_duration(std::string_view text) noexcept;

// "32KiB", "10MiB", "1GiB", "512B", and decimal kB, MB, GB. "0" needs no unit.
struct SizeResult {
  Quantity verdict;
  std::uint64_t value = 0;
};
SizeResult parse_size(std::string_view text) noexcept;

// Shortest exact text: "1m30s", "32KiB".
std::string duration_text(Duration value);
std::string size_text(std::uint64_t bytes);

// The candidate that is close enough to have been meant; empty when none is.
std::string_view closest(std::string_view text, std::span<const std::string_view> candidates);

// An address block, or what is wrong with the text and what would be right.
struct BlockResult {
  std::optional<AddressBlock> block;
  std::string message, hint;
};
BlockResult parse_block_text(std::string_view text);

std::string joined(std::span<const std::string_view> words, std::string_view separator = ", ");

bool is_token(std::string_view text) noexcept;        // RFC 9110 section 5.6.2
bool is_field_value(std::string_view text) noexcept;  // no control characters but tab, no space at either end

std::string lower(std::string_view text);

}  // namespace weir::config
