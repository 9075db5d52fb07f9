#include "windows-service/control.hpp"

#include <algorithm>
#include <array>

namespace weir::windows_service {
namespace {

struct Row {
  std::uint32_t code;  // SERVICE_CONTROL_ of winsvc.h; service.cpp compares them
  Control control;
  std::string_view name;
  bool ends;
};

constexpr std::array<Row, 7> rows{{
    {0x01, Control::stop, "stop", true},
    {0x05, Control::shutdown, "shutdown", true},
    {0x0F, Control::preshutdown, "preshutdown", true},
    {0x06, Control::reload, "reload", false},
    {control_reopen_logs, Control::reopen_logs, "reopen-logs", false},
    {control_drain, Control::drain, "drain", false},
    {control_upgrade, Control::upgrade, "upgrade", false},
}};

const Row& row_of(Control control) noexcept { return *std::ranges::find(rows, control, &Row::control); }

}  // namespace

std::optional<Control> control_of(std::uint32_t code) noexcept {
  const auto* const row = std::ranges::find(rows, code, &Row::code);
  return row != rows.end() ? std::optional(row->control) : std::nullopt;
}

std::string_view name_of(Control control) noexcept { return row_of(control).name; }

bool ends_the_service(Control control) noexcept { return row_of(control).ends; }

}  // namespace weir::windows_service
