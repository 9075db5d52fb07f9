#include "daemon/lifecycle.hpp"

#include "daemon/lifecycle_systemd.hpp"
#include "daemon/lifecycle_windows_service.hpp"

namespace weir::daemon {
namespace {

// Started by hand, or by something that says nothing of itself: signals are all there is.
class Terminal final : public Lifecycle {
 public:
  std::string_view name() const noexcept override { return "terminal"; }
  void starting() noexcept override {}
  void ready() noexcept override {}
  void reloading() noexcept override {}
  void status(std::string_view) noexcept override {}
  void stopping() noexcept override {}
  void extend(Duration) noexcept override {}
  Duration heartbeat() const noexcept override { return {}; }
  void alive() noexcept override {}
  void succeeded_by(std::uint32_t) noexcept override {}
};

}  // namespace

std::string_view name_of(Request request) noexcept {
  switch (request) {
    case Request::stop: return "stop";
    case Request::stop_now: return "stop-now";
    case Request::drain: return "drain";
    case Request::reload: return "reload";
    case Request::reopen_logs: return "reopen-logs";
    case Request::upgrade: return "upgrade";
  }
  return "";
}

std::unique_ptr<Lifecycle> find_lifecycle(RequestSink& requests, const systemd::Environment& environment) {
  if (auto managed = windows_service_lifecycle(requests)) return managed;
  if (auto managed = systemd_lifecycle(environment)) return managed;
  return std::make_unique<Terminal>();
}

}  // namespace weir::daemon
