#pragma once
// What the service control manager asks of a service, as an enum. Pure; any thread.

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::windows_service {

enum class Control : std::uint8_t {
  stop,         // sc stop, services.msc
  shutdown,     // the machine goes down, and the services have seconds
  preshutdown,  // the machine is about to go down, and waits for this service as long as its configuration says
  reload,       // PARAMCHANGE: sc control NAME paramchange
  reopen_logs,  // the others are weir's own: sc control NAME 128
  drain,
  upgrade,
};

// Weir's own controls; Windows leaves 128 to 255 to services.
inline constexpr std::uint32_t control_reopen_logs = 128;
inline constexpr std::uint32_t control_drain = 129;
inline constexpr std::uint32_t control_upgrade = 130;

// Nothing: a control that weir does not know, and that the handler answers with ERROR_CALL_NOT_IMPLEMENTED.
std::optional<Control> control_of(std::uint32_t code) noexcept;

std::string_view name_of(Control control) noexcept;  // "reopen-logs"

// After it the service is on its way out, whatever the program does next.
bool ends_the_service(Control control) noexcept;

}  // namespace weir::windows_service
