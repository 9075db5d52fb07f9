#include "windows-service/service.hpp"

#include <windows.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>

#include "core/platform/windows/text.hpp"

namespace weir::windows_service {
namespace {

using namespace std::chrono_literals;

constexpr auto first_hint = 30s;  // until the program says more about its start, or its stop
constexpr int exit_failed_start = 1;

// The numbers in control.cpp.
static_assert(SERVICE_CONTROL_STOP == 0x01 && SERVICE_CONTROL_SHUTDOWN == 0x05 && SERVICE_CONTROL_PRESHUTDOWN == 0x0F &&
              SERVICE_CONTROL_PARAMCHANGE == 0x06);

SERVICE_STATUS native_from(const StatusReport& report) noexcept {
  SERVICE_STATUS native{};
  native.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
  switch (report.state) {
    case State::start_pending: native.dwCurrentState = SERVICE_START_PENDING; break;
    case State::running: native.dwCurrentState = SERVICE_RUNNING; break;
    case State::stop_pending: native.dwCurrentState = SERVICE_STOP_PENDING; break;
    case State::stopped: native.dwCurrentState = SERVICE_STOPPED; break;
  }
  if (report.takes_controls) {
    native.dwControlsAccepted =
        SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN | SERVICE_ACCEPT_PRESHUTDOWN | SERVICE_ACCEPT_PARAMCHANGE;
  }
  if (report.exit_code != 0) {
    native.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
    native.dwServiceSpecificExitCode = static_cast<DWORD>(report.exit_code);
  }
  native.dwCheckPoint = report.checkpoint;
  native.dwWaitHint = static_cast<DWORD>(report.wait_hint.count());
  return native;
}

// The library of the toolchain does not have it; Windows does since 8.
bool started_by_hand(SERVICE_STATUS_HANDLE handle) noexcept {
  using Query = BOOL(WINAPI*)(SERVICE_STATUS_HANDLE, DWORD, void**);
  constexpr DWORD start_reason = 1;
  const HMODULE library = ::GetModuleHandleW(L"advapi32.dll");
  if (library == nullptr) return true;
  const auto query =
      reinterpret_cast<Query>(reinterpret_cast<void*>(::GetProcAddress(library, "QueryServiceDynamicInformation")));
  void* reason = nullptr;
  if (query == nullptr || !query(handle, start_reason, &reason) || reason == nullptr) return true;
  const DWORD bits = *static_cast<const DWORD*>(reason);
  ::LocalFree(reason);
  return (bits & SERVICE_START_REASON_DEMAND) != 0;
}

class Dispatched final : public Service {
 public:
  explicit Dispatched(std::string name)
      : name_(std::move(name)), events_(name_), status_([this](const StatusReport& report) { publish(report); }) {}

  bool attach() noexcept {
    handle_ = ::RegisterServiceCtrlHandlerExW(platform::to_wide(name_).c_str(), on_native_control, this);
    return handle_ != nullptr;
  }

  StatusReporter& status() noexcept override { return status_; }
  EventLog& events() noexcept override { return events_; }
  const std::string& name() const noexcept override { return name_; }

  void on_control(std::function<void(Control)> take) override {
    const std::lock_guard lock(mutex_);
    take_ = std::move(take);
    if (take_ && early_) take_(*std::exchange(early_, std::nullopt));
  }

  // The process may end within this.
  void leave(int exit_code) {
    End end{exit_code, was_running_, asked_to_stop_, started_by_hand(handle_)};
    if (leaving(end) == Leaving::silent) {
      std::fflush(nullptr);
      std::_Exit(exit_code);
    }
    status_.stopped(exit_code);
  }

 private:
  static DWORD WINAPI on_native_control(DWORD code, DWORD, void*, void* context) noexcept {
    if (code == SERVICE_CONTROL_INTERROGATE) return NO_ERROR;
    const auto control = control_of(code);
    return control ? static_cast<Dispatched*>(context)->take(*control) : ERROR_CALL_NOT_IMPLEMENTED;
  }

  DWORD take(Control control) noexcept {
    const std::lock_guard lock(mutex_);
    if (ends_the_service(control)) {
      asked_to_stop_ = true;
      status_.stopping(first_hint);
    }
    if (take_) {
      take_(control);
    } else if (ends_the_service(control)) {
      early_ = control;
    } else {
      return ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
    }
    return NO_ERROR;
  }

  void publish(const StatusReport& report) noexcept {
    if (report.state == State::running) was_running_ = true;
    SERVICE_STATUS native = native_from(report);
    ::SetServiceStatus(handle_, &native);
  }

  const std::string name_;
  EventLog events_;
  SERVICE_STATUS_HANDLE handle_ = nullptr;
  std::atomic<bool> was_running_{false};
  std::atomic<bool> asked_to_stop_{false};
  StatusReporter status_;
  std::mutex mutex_;  // of what follows
  std::function<void(Control)> take_;
  std::optional<Control> early_;  // it came when nobody took controls, and ends the service
};

// Windows calls the service's main function without a context.
const std::function<int(Service&)>* program = nullptr;
std::atomic<Service*> running{nullptr};
std::atomic<int> result{exit_failed_start};

int run_program(Service& service) noexcept {
  try {
    return (*program)(service);
  } catch (const std::exception& error) {
    service.events().report(Event::failed_start, error.what());
    return exit_failed_start;
  }
}

// The name in the dispatcher's table is not read for a process with one service; the first argument is the one that it
// was installed under.
void WINAPI service_main(DWORD count, wchar_t** arguments) noexcept {
  // Never destroyed: the dispatcher's thread may still be in it when this one has reported its end.
  auto& service = *new Dispatched(platform::to_utf8(count > 0 ? arguments[0] : L"weir"));
  if (!service.attach()) return;
  service.status().starting(first_hint);
  running = &service;
  const int code = run_program(service);
  running = nullptr;
  service.on_control({});
  result = code;
  service.leave(code);
}

}  // namespace

Service* running_service() noexcept { return running; }

std::optional<int> run_service(const std::function<int(Service&)>& given) {
  program = &given;
  wchar_t unread[] = L"";
  const SERVICE_TABLE_ENTRYW table[] = {{unread, service_main}, {nullptr, nullptr}};
  if (::StartServiceCtrlDispatcherW(table)) return result;
  // ERROR_FAILED_SERVICE_CONTROLLER_CONNECT: started by somebody else. Any other error keeps it from being a service as
  // well.
  return std::nullopt;
}

}  // namespace weir::windows_service
