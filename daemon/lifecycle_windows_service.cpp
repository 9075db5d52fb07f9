#include "daemon/lifecycle_windows_service.hpp"

#include <fmt/format.h>

#include <chrono>

#include "windows-service/service.hpp"

namespace weir::daemon {
namespace {

using namespace std::chrono_literals;
using windows_service::Control;
using windows_service::Event;

// What is announced when App does not say how long something takes.
constexpr auto usual_hint = 30s;

Request request_of(Control control) noexcept {
  switch (control) {
    case Control::stop:
    case Control::shutdown:
    case Control::preshutdown: return Request::stop;
    case Control::reload: return Request::reload;
    case Control::reopen_logs: return Request::reopen_logs;
    case Control::drain: return Request::drain;
    case Control::upgrade: return Request::upgrade;
  }
  return Request::stop;
}

Event event_of(Notice notice) noexcept {
  switch (notice) {
    case Notice::failed_start: return Event::failed_start;
    case Notice::worker_failed: return Event::worker_failed;
    case Notice::reloaded: return Event::reloaded;
    case Notice::reload_refused: return Event::reload_refused;
  }
  return Event::error;
}

class WindowsServiceLifecycle final : public Lifecycle {
 public:
  WindowsServiceLifecycle(windows_service::Service& service, RequestSink& requests) : service_(service) {
    service_.on_control([&requests](Control control) { requests.request(request_of(control)); });
  }
  WindowsServiceLifecycle(const WindowsServiceLifecycle&) = delete;
  WindowsServiceLifecycle& operator=(const WindowsServiceLifecycle&) = delete;
  ~WindowsServiceLifecycle() override { service_.on_control({}); }

  std::string_view name() const noexcept override { return "windows-service"; }

  void starting() noexcept override { service_.status().starting(usual_hint); }

  void ready() noexcept override {
    service_.status().running();
    if (announced_) return;  // after a reload
    announced_ = true;
    service_.events().report(Event::started, text_);
  }

  // A service that reloads is running: the manager has no state for it.
  void reloading() noexcept override {}

  // The manager shows no text either; what is said before ready() becomes that of the event.
  void status(std::string_view text) noexcept override try {
    if (!announced_) text_ = text;
  } catch (const std::bad_alloc&) {}

  void note(Notice notice, std::string_view text) noexcept override { service_.events().report(event_of(notice), text); }

  void stopping() noexcept override { service_.status().stopping(usual_hint); }

  void extend(Duration longest) noexcept override {
    service_.status().extend(std::chrono::ceil<std::chrono::milliseconds>(longest));
  }

  // Nobody watches: a process that hangs is noticed by those who ask it.
  Duration heartbeat() const noexcept override { return Duration::zero(); }
  void alive() noexcept override {}

  // To the manager a service is the process that it started: when this one ends, the service has stopped, and recovery
  // or an administrator starts it again.
  void succeeded_by(std::uint32_t process) noexcept override try {
    service_.events().report(
        Event::warning, fmt::format("Process {} serves now. Windows does not know of it: the service will be shown as "
                                    "stopped when the old process has ended.",
                                    process));
  } catch (const std::bad_alloc&) {}

 private:
  windows_service::Service& service_;
  std::string text_;
  bool announced_ = false;
};

}  // namespace

std::unique_ptr<Lifecycle> windows_service_lifecycle(RequestSink& requests) {
  windows_service::Service* const service = windows_service::running_service();
  return service != nullptr ? lifecycle_of(*service, requests) : nullptr;
}

std::unique_ptr<Lifecycle> lifecycle_of(windows_service::Service& service, RequestSink& requests) {
  return std::make_unique<WindowsServiceLifecycle>(service, requests);
}

}  // namespace weir::daemon
