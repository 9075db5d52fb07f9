#include "windows-service/install.hpp"

#include <fmt/format.h>
#include <windows.h>

#include <array>

#include "core/platform/windows/command_line.hpp"
#include "core/platform/windows/text.hpp"
#include "windows-service/event_log.hpp"
#include "windows-service/manager.hpp"

namespace weir::windows_service {
namespace {

using platform::to_wide;

// The numbers in failure.cpp.
static_assert(ERROR_ACCESS_DENIED == 5 && ERROR_SERVICE_EXISTS == 1073 && ERROR_DUPLICATE_SERVICE_NAME == 1078 &&
              ERROR_SERVICE_DOES_NOT_EXIST == 1060 && ERROR_SERVICE_MARKED_FOR_DELETE == 1072 &&
              ERROR_SERVICE_ALREADY_RUNNING == 1056 && ERROR_SERVICE_NOT_ACTIVE == 1062 &&
              ERROR_SERVICE_CANNOT_ACCEPT_CTRL == 1061 && ERROR_SERVICE_DISABLED == 1058 &&
              ERROR_INVALID_SERVICE_ACCOUNT == 1057 && ERROR_SERVICE_LOGON_FAILED == 1069 &&
              ERROR_FILE_NOT_FOUND == 2 && ERROR_PATH_NOT_FOUND == 3 && ERROR_SERVICE_REQUEST_TIMEOUT == 1053 &&
              ERROR_DEPENDENT_SERVICES_RUNNING == 1051);

std::wstring image_path(const Definition& definition) {
  std::vector<std::wstring> words{to_wide(definition.program)};
  for (const std::string& argument : definition.arguments) words.push_back(to_wide(argument));
  return platform::command_line(words);
}

// Each name ends with a zero, and the list with another.
std::wstring list_of(const std::vector<std::string>& names) {
  std::wstring list;
  for (const std::string& name : names) list.append(to_wide(name)).push_back(L'\0');
  list.push_back(L'\0');
  return list;
}

ServiceHandle create(SC_HANDLE manager, const Definition& definition, const std::string& account) {
  return ServiceHandle(::CreateServiceW(
      manager, to_wide(definition.name).c_str(), to_wide(definition.display_name).c_str(), SERVICE_ALL_ACCESS,
      SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, image_path(definition).c_str(), nullptr,
      nullptr, list_of(definition.after).c_str(), to_wide(account).c_str(), nullptr));
}

// A service's virtual account may be known only once the service is: then it is created with another one, which is
// exchanged before it ever runs.
Outcome<ServiceHandle> create_with_account(SC_HANDLE manager, const Definition& definition, std::string_view doing) {
  ServiceHandle service = create(manager, definition, definition.account);
  if (service) return service;
  if (::GetLastError() != ERROR_INVALID_SERVICE_ACCOUNT) return std::unexpected(last_failure(doing));
  service = create(manager, definition, R"(NT AUTHORITY\LocalService)");
  if (!service) return std::unexpected(last_failure(doing));
  if (!::ChangeServiceConfigW(service.get(), SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, nullptr, nullptr,
                              nullptr, nullptr, to_wide(definition.account).c_str(), nullptr, nullptr)) {
    const Failure failure = last_failure(doing);
    ::DeleteService(service.get());
    return std::unexpected(failure);
  }
  return service;
}

// What CreateService has no parameter for. A Windows that lacks one of them still gets a service.
class Settings {
 public:
  explicit Settings(SC_HANDLE service) : service_(service) {}

  void set(DWORD level, void* value, std::string_view what) {
    if (::ChangeServiceConfig2W(service_, level, value)) return;
    missing_.push_back(fmt::format("{} could not be set: {}", what, platform::system_message(::GetLastError())));
  }

  std::vector<std::string> missing() && { return std::move(missing_); }

 private:
  SC_HANDLE service_;
  std::vector<std::string> missing_;
};

void set_recovery(Settings& settings) {
  std::array<SC_ACTION, std::size(restart_after)> actions{};
  for (std::size_t i = 0; i < actions.size(); ++i) {
    actions[i] = {SC_ACTION_RESTART, static_cast<DWORD>(restart_after[i].count())};
  }
  SERVICE_FAILURE_ACTIONSW recovery{};
  recovery.dwResetPeriod = static_cast<DWORD>(failures_forgotten_after.count());
  recovery.cActions = static_cast<DWORD>(actions.size());
  recovery.lpsaActions = actions.data();
  settings.set(SERVICE_CONFIG_FAILURE_ACTIONS, &recovery, "the restart after a failure");
  // No: the service itself decides what is worth another start (leaving() in status.hpp). With it, a refused
  // configuration would be started for ever.
  SERVICE_FAILURE_ACTIONS_FLAG also_on_exit_codes{FALSE};
  settings.set(SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also_on_exit_codes, "which failures restart it");
}

std::vector<std::string> configure(SC_HANDLE service, const Definition& definition) {
  Settings settings(service);
  std::wstring text = to_wide(definition.description);
  SERVICE_DESCRIPTIONW description{text.data()};
  settings.set(SERVICE_CONFIG_DESCRIPTION, &description, "the description");
  SERVICE_DELAYED_AUTO_START_INFO delayed{TRUE};
  settings.set(SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed, "the delayed start");
  SERVICE_SID_INFO sid{SERVICE_SID_TYPE_UNRESTRICTED};  // so that files can be granted to NT SERVICE\NAME
  settings.set(SERVICE_CONFIG_SERVICE_SID_INFO, &sid, "the service's SID");
  SERVICE_PRESHUTDOWN_INFO preshutdown{static_cast<DWORD>(definition.preshutdown.count())};
  settings.set(SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown, "the time for requests in flight at shutdown");
  set_recovery(settings);
  return std::move(settings).missing();
}

Failure ended(std::string_view name, const ServiceStatus& status) {
  const std::string why =
      status.ended_because.empty() ? fmt::format("exit code {}", status.report.exit_code) : status.ended_because;
  return {Failure::Kind::ended,
          fmt::format("the service {} stopped while it started ({}): the Application event log says why, source {}",
                      name, why, name),
          status.system_code, status.report.exit_code};
}

// From any state; false: it was not running.
Outcome<bool> stop_service(SC_HANDLE service, std::string_view doing) {
  if (auto seen = wait_while(service, State::start_pending, doing); !seen) return std::unexpected(seen.error());
  SERVICE_STATUS ignored{};
  if (!::ControlService(service, SERVICE_CONTROL_STOP, &ignored)) {
    const DWORD code = ::GetLastError();
    if (code == ERROR_SERVICE_NOT_ACTIVE) return false;
    // It is stopping already.
    if (code != ERROR_SERVICE_CANNOT_ACCEPT_CTRL) return std::unexpected(failure_of(code, doing));
  }
  const auto seen = wait_while(service, State::stop_pending, doing);
  if (!seen) return std::unexpected(seen.error());
  if (seen->report.state != State::stopped) return std::unexpected(failure_of(ERROR_SERVICE_CANNOT_ACCEPT_CTRL, doing));
  return true;
}

// Windows keeps a deleted service for as long as anybody has it open.
bool still_there(const std::string& name) { return open_service(name, SERVICE_QUERY_STATUS, "look").has_value(); }

}  // namespace

std::string own_program() {
  std::wstring path(MAX_PATH, L'\0');
  for (;;) {
    const DWORD length = ::GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
    if (length < path.size()) return platform::to_utf8(std::wstring_view(path).substr(0, length));
    path.resize(path.size() * 2);
  }
}

Outcome<std::vector<std::string>> install(const Definition& definition) {
  const std::string doing = fmt::format("install the service {}", definition.name);
  const auto manager = open_manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE, doing);
  if (!manager) return std::unexpected(manager.error());
  auto service = create_with_account(manager->get(), definition, doing);
  if (!service) return std::unexpected(service.error());
  if (auto source = add_event_source(definition.name, definition.program); !source) {
    ::DeleteService(service->get());
    return std::unexpected(source.error());
  }
  return configure(service->get(), definition);
}

Outcome<void> uninstall(const std::string& name) {
  const std::string doing = fmt::format("uninstall the service {}", name);
  {
    const auto service = open_service(name, SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE, doing);
    if (!service) return std::unexpected(service.error());
    if (auto stopped = stop_service(service->get(), doing); !stopped) return std::unexpected(stopped.error());
    if (!::DeleteService(service->get())) return std::unexpected(last_failure(doing));
  }
  if (auto source = remove_event_source(name); !source) return source;
  if (still_there(name)) return std::unexpected(failure_of(ERROR_SERVICE_MARKED_FOR_DELETE, doing));
  return {};
}

Outcome<void> start(const std::string& name) {
  const std::string doing = fmt::format("start the service {}", name);
  const auto service = open_service(name, SERVICE_START | SERVICE_QUERY_STATUS, doing);
  if (!service) return std::unexpected(service.error());
  if (!::StartServiceW(service->get(), 0, nullptr)) return std::unexpected(last_failure(doing));
  const auto seen = wait_while(service->get(), State::start_pending, doing);
  if (!seen) return std::unexpected(seen.error());
  if (seen->report.state != State::running) return std::unexpected(ended(name, *seen));
  return {};
}

Outcome<void> stop(const std::string& name) {
  const std::string doing = fmt::format("stop the service {}", name);
  const auto service = open_service(name, SERVICE_STOP | SERVICE_QUERY_STATUS, doing);
  if (!service) return std::unexpected(service.error());
  const auto stopped = stop_service(service->get(), doing);
  if (!stopped) return std::unexpected(stopped.error());
  if (!*stopped) return std::unexpected(failure_of(ERROR_SERVICE_NOT_ACTIVE, doing));
  return {};
}

Outcome<ServiceStatus> status(const std::string& name) {
  const std::string doing = fmt::format("look at the service {}", name);
  const auto service = open_service(name, SERVICE_QUERY_STATUS, doing);
  if (!service) return std::unexpected(service.error());
  return look(service->get(), doing);
}

}  // namespace weir::windows_service
