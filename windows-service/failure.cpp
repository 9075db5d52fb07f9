#include "windows-service/failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace weir::windows_service {
namespace {

struct Row {
  std::uint32_t code;  // ERROR_ of winerror.h; install.cpp compares them
  Failure::Kind kind;
  std::string_view reason;
};

using Kind = Failure::Kind;
constexpr std::array<Row, 15> rows{{
    {5, Kind::not_administrator, "access denied: run this in a console opened with 'Run as administrator'"},
    {1073, Kind::exists, "a service of that name exists: uninstall it first, or choose another --name"},
    {1078, Kind::exists, "another service is displayed under that name: choose another --name"},
    {1060, Kind::missing, "there is no such service: 'weir service install' makes it, --name chooses another"},
    {1072, Kind::marked_for_deletion,
     "it is marked for deletion: Windows deletes it once every program that looks at it is closed (services.msc, the "
     "task manager, Event Viewer), at the latest when the machine restarts"},
    {1056, Kind::running, "it is running already"},
    {1062, Kind::not_running, "it is not running"},
    {1061, Kind::busy, "it is starting or stopping: try again when it is done"},
    {1058, Kind::disabled, "it is disabled: set its start type in services.msc, or with sc.exe config"},
    {1057, Kind::account_refused, "its account does not exist, or its password is wrong"},
    {1069, Kind::account_refused,
     "its account may not log on as a service: see Log On in services.msc, or reinstall it with another --account"},
    {2, Kind::program_missing, "its program no longer exists: reinstall the service"},
    {3, Kind::program_missing, "its program no longer exists: reinstall the service"},
    {1053, Kind::timed_out, "it did not answer in time: see the Application event log"},
    {1051, Kind::other, "other services that depend on it are running: stop those first"},
}};

}  // namespace

Failure failure_from(std::uint32_t code, std::string_view doing, std::string_view system) {
  const auto* const row = std::ranges::find(rows, code, &Row::code);
  if (row != rows.end()) return {row->kind, fmt::format("cannot {}: {}", doing, row->reason), code, 0};
  return {Kind::other, fmt::format("cannot {}: {} (error {})", doing, system, code), code, 0};
}

}  // namespace weir::windows_service
