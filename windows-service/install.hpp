#pragma once
// Services as an administrator handles them, through the service control manager of this machine. Each function waits
// until what it is for has happened, or has failed. Any thread; opens nothing that it does not close. On other systems
// each fails with Failure::Kind::not_here.

#include <cstdint>
#include <string>
#include <vector>

#include "windows-service/definition.hpp"
#include "windows-service/failure.hpp"
#include "windows-service/status.hpp"

namespace weir::windows_service {

// The file of this program, absolute: what a service of it runs.
std::string own_program();

// Creates the service and its event source: automatic start, delayed after boot, restarted when it fails. All or
// nothing, except for what Windows may lack: those are sentences in the result.
Outcome<std::vector<std::string>> install(const Definition& definition);

// Stops it, deletes it and removes its event source.
Outcome<void> uninstall(const std::string& name);

// Returns when it is running. Failure::Kind::ended: it stopped instead.
Outcome<void> start(const std::string& name);

// Returns when it has stopped, which takes as long as requests are in flight; gives up when the service makes no
// progress for longer than it announced.
Outcome<void> stop(const std::string& name);

struct ServiceStatus {
  StatusReport report;
  std::uint32_t process = 0;  // 0: none
  // Why it has stopped, when that is not an exit code of its own: 0, or a Windows error and its sentence.
  std::uint32_t system_code = 0;
  std::string ended_because;
};

Outcome<ServiceStatus> status(const std::string& name);

}  // namespace weir::windows_service
