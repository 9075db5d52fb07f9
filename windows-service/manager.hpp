#pragma once
// Handles of the service control manager, and its numbers as this folder's enums. For the Windows half of this folder
// only. Any thread.

#include <windows.h>

#include <memory>
#include <string_view>
#include <type_traits>

#include "windows-service/failure.hpp"
#include "windows-service/install.hpp"

namespace weir::windows_service {

struct CloseService {
  void operator()(SC_HANDLE handle) const noexcept { ::CloseServiceHandle(handle); }
};
using ServiceHandle = std::unique_ptr<std::remove_pointer_t<SC_HANDLE>, CloseService>;

// Of the calling thread's last error, or of that code. `doing` as for failure_from.
Failure last_failure(std::string_view doing);
Failure failure_of(DWORD code, std::string_view doing);

Outcome<ServiceHandle> open_manager(DWORD access, std::string_view doing);
Outcome<ServiceHandle> open_service(const std::string& name, DWORD access, std::string_view doing);

ServiceStatus status_from(const SERVICE_STATUS_PROCESS& native);
Outcome<ServiceStatus> look(SC_HANDLE service, std::string_view doing);

// Waits while the service is in that pending state. Failure::Kind::timed_out: it makes no progress.
Outcome<ServiceStatus> wait_while(SC_HANDLE service, State pending, std::string_view doing);

}  // namespace weir::windows_service
