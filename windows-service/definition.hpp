#pragma once
// What a service is installed with, as plain values, and the forms that the service control manager wants them in.
// Pure; any thread.

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace weir::windows_service {

struct Definition {
  std::string name = "weir";          // of the service, its registry key and its event source
  std::string display_name = "weir";  // as services.msc shows it
  std::string description;
  std::string program;                         // absolute
  std::vector<std::string> arguments;          // "run", "--service", "-c", an absolute path
  std::string account;                         // as account_name() gives it
  std::vector<std::string> after = {"Tcpip"};  // services that must run first
  // How long Windows waits at shutdown for requests in flight.
  std::chrono::milliseconds preshutdown{180'000};
};

// Waits before the service is started again after its first, second and every further failure; a day without a failure
// forgets them.
inline constexpr std::chrono::milliseconds restart_after[] = {std::chrono::seconds(1), std::chrono::seconds(5),
                                                              std::chrono::seconds(30)};
inline constexpr std::chrono::seconds failures_forgotten_after = std::chrono::hours(24);

// Empty, or why no service can have this name.
std::string wrong_name(std::string_view name);

// An account as --account takes it, in the form of the service control manager. Empty: the service's virtual account,
// NT SERVICE\NAME. "LocalService", "NetworkService" and "LocalSystem" are Windows' own; a managed service account is
// DOMAIN\NAME$. The error is a sentence: an account whose password somebody would have to type.
std::expected<std::string, std::string> account_name(std::string_view account, std::string_view service);

}  // namespace weir::windows_service
