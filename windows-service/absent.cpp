// Everything of this folder that needs the service control manager, on systems without one.

#include "windows-service/install.hpp"
#include "windows-service/service.hpp"

namespace weir::windows_service {
namespace {

Failure not_here() {
  return {Failure::Kind::not_here, "this system has no service control manager: only Windows has", 0, 0};
}

}  // namespace

Service* running_service() noexcept { return nullptr; }
std::optional<int> run_service(const std::function<int(Service&)>&) { return std::nullopt; }

EventLog::EventLog(std::string_view) noexcept {}
EventLog::~EventLog() = default;
void EventLog::report(Event, std::string_view) noexcept {}
Outcome<void> add_event_source(const std::string&, const std::string&) { return std::unexpected(not_here()); }
Outcome<void> remove_event_source(const std::string&) { return std::unexpected(not_here()); }

std::string own_program() { return {}; }
Outcome<std::vector<std::string>> install(const Definition&) { return std::unexpected(not_here()); }
Outcome<void> uninstall(const std::string&) { return std::unexpected(not_here()); }
Outcome<void> start(const std::string&) { return std::unexpected(not_here()); }
Outcome<void> stop(const std::string&) { return std::unexpected(not_here()); }
Outcome<ServiceStatus> status(const std::string&) { return std::unexpected(not_here()); }

}  // namespace weir::windows_service
