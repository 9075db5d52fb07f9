#include "windows-service/manager.hpp"

#include <fmt/format.h>

#include "core/platform/windows/text.hpp"
#include "windows-service/patience.hpp"

namespace weir::windows_service {
namespace {

State state_from(DWORD native) noexcept {
  switch (native) {
    case SERVICE_STOPPED: return State::stopped;
    case SERVICE_START_PENDING: return State::start_pending;
    case SERVICE_STOP_PENDING: return State::stop_pending;
    default: return State::running;  // the rest are kinds of being paused, which weir does not have
  }
}

std::string why_ended(DWORD code) {
  switch (code) {
    case NO_ERROR: return {};
    case ERROR_SERVICE_NEVER_STARTED: return "it has not been started since Windows was";
    case ERROR_PROCESS_ABORTED: return "its process ended unexpectedly";
    default: return platform::system_message(code);
  }
}

}  // namespace

Failure failure_of(DWORD code, std::string_view doing) {
  return failure_from(code, doing, platform::system_message(code));
}

Failure last_failure(std::string_view doing) { return failure_of(::GetLastError(), doing); }

Outcome<ServiceHandle> open_manager(DWORD access, std::string_view doing) {
  ServiceHandle manager(::OpenSCManagerW(nullptr, nullptr, access));
  if (!manager) return std::unexpected(last_failure(doing));
  return manager;
}

Outcome<ServiceHandle> open_service(const std::string& name, DWORD access, std::string_view doing) {
  const auto manager = open_manager(SC_MANAGER_CONNECT, doing);
  if (!manager) return std::unexpected(manager.error());
  ServiceHandle service(::OpenServiceW(manager->get(), platform::to_wide(name).c_str(), access));
  if (!service) return std::unexpected(last_failure(doing));
  return service;
}

ServiceStatus status_from(const SERVICE_STATUS_PROCESS& native) {
  ServiceStatus status;
  status.report.state = state_from(native.dwCurrentState);
  status.report.takes_controls = native.dwControlsAccepted != 0;
  status.report.checkpoint = native.dwCheckPoint;
  status.report.wait_hint = std::chrono::milliseconds(native.dwWaitHint);
  status.process = native.dwProcessId;
  if (status.report.state != State::stopped) return status;
  if (native.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR) {
    status.report.exit_code = static_cast<int>(native.dwServiceSpecificExitCode);
  } else {
    status.system_code = native.dwWin32ExitCode;
    status.ended_because = why_ended(native.dwWin32ExitCode);
  }
  return status;
}

Outcome<ServiceStatus> look(SC_HANDLE service, std::string_view doing) {
  SERVICE_STATUS_PROCESS native{};
  DWORD needed = 0;
  if (!::QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&native), sizeof native,
                              &needed)) {
    return std::unexpected(last_failure(doing));
  }
  return status_from(native);
}

Outcome<ServiceStatus> wait_while(SC_HANDLE service, State pending, std::string_view doing) {
  Patience patience;
  for (;;) {
    const auto seen = look(service, doing);
    if (!seen || seen->report.state != pending) return seen;
    const auto pause = patience.next(seen->report, std::chrono::steady_clock::now());
    if (!pause) {
      return std::unexpected(
          Failure{Failure::Kind::timed_out,
                  fmt::format("cannot {}: the service has made no progress for longer than it announced; "
                              "its process is {}",
                              doing, seen->process),
                  0, 0});
    }
    ::Sleep(static_cast<DWORD>(pause->count()));
  }
}

}  // namespace weir::windows_service
