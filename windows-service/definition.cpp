#include "windows-service/definition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace weir::windows_service {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool begins(std::string_view text, std::string_view prefix) noexcept {
  return text.size() >= prefix.size() && same(text.substr(0, prefix.size()), prefix);
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> accounts_of_windows{{
    {"LocalService", R"(NT AUTHORITY\LocalService)"},
    {"NetworkService", R"(NT AUTHORITY\NetworkService)"},
    {"LocalSystem", "LocalSystem"},
}};
constexpr std::string_view virtual_accounts = R"(NT SERVICE\)";
constexpr std::size_t longest_name = 256;

}  // namespace

std::string wrong_name(std::string_view name) {
  if (name.empty()) return "the name of a service cannot be empty";
  if (name.size() > longest_name) return fmt::format("the name of a service has at most {} characters", longest_name);
  const auto control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
  if (name.find_first_of(R"(/\)") != std::string_view::npos || std::ranges::any_of(name, control)) {
    return fmt::format("'{}' cannot name a service: it must not contain /, \\ or control characters", name);
  }
  return {};
}

std::expected<std::string, std::string> account_name(std::string_view account, std::string_view service) {
  if (account.empty()) return fmt::format("{}{}", virtual_accounts, service);
  for (const auto& [word, full] : accounts_of_windows) {
    if (same(account, word) || same(account, full)) return std::string(full);
  }
  if (begins(account, virtual_accounts)) {
    if (same(account.substr(virtual_accounts.size()), service)) return std::string(account);
    return std::unexpected(
        fmt::format("{} is the account of another service; this one's is {}{}", account, virtual_accounts, service));
  }
  const bool managed = account.ends_with('$') && account.find('\\') != std::string_view::npos;
  if (managed) return std::string(account);
  return std::unexpected(fmt::format(
      "the account {} needs a password, which does not belong on a command line: use LocalService, NetworkService or a "
      "managed service account (DOMAIN\\NAME$); or install without --account and set the account in services.msc",
      account));
}

}  // namespace weir::windows_service
