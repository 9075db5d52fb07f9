#include "systemd/store_name.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

#include "systemd/notify.hpp"
#include "systemd/number.hpp"

namespace weir::systemd {
namespace {

constexpr std::string_view prefix = "weir-listen/";

bool is_plain(char c) noexcept { return c > ' ' && c <= '~' && c != '/' && c != ':' && c != '%'; }

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '%') {
      if (!is_plain(text.front())) return std::nullopt;
      out.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    unsigned value = 0;
    if (text.size() < 3) return std::nullopt;
    const char* const digits = text.data() + 1;
    if (std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return std::nullopt;
    out.push_back(static_cast<char>(value));
    text.remove_prefix(3);
  }
  return out;
}

}  // namespace

std::optional<std::string> to_string(const StoreName& name) {
  std::string out{prefix};
  for (const char c : name.listener) {
    if (is_plain(c)) {
      out.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  fmt::format_to(std::back_inserter(out), "/{}", name.index);
  if (!is_descriptor_name(out)) return std::nullopt;
  return out;
}

std::optional<StoreName> parse_store_name(std::string_view text) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto index = parse_number(text.substr(slash + 1));
  auto listener = unescape(text.substr(0, slash));
  if (!index || *index > UINT32_MAX || !listener || listener->empty()) return std::nullopt;
  return StoreName{std::move(*listener), static_cast<std::uint32_t>(*index)};
}

}  // namespace weir::systemd
