#include "daemon/lifecycle_windows_service.hpp"

#include <vector>

#include "tests/support/catch.hpp"
#include "windows-service/service.hpp"

using namespace weir;
using namespace weir::daemon;
using namespace weir::windows_service;
using namespace std::chrono_literals;

namespace {

// A service without a manager: its reports are kept, and its controls come from the test.
class FakeService final : public Service {
 public:
  StatusReporter& status() noexcept override { return status_; }
  EventLog& events() noexcept override { return events_; }
  const std::string& name() const noexcept override { return name_; }
  void on_control(std::function<void(Control)> take) override { control = std::move(take); }

  State state() const { return reports.back().state; }

  std::vector<StatusReport> reports;
  std::function<void(Control)> control;

 private:
  std::string name_ = "weir";
  EventLog events_{name_};
  StatusReporter status_{[this](const StatusReport& report) { reports.push_back(report); }};
};

struct Requests final : RequestSink {
  void request(Request one) noexcept override { all.push_back(one); }
  std::vector<Request> all;
};

struct Managed {
  FakeService service;
  Requests requests;
  std::unique_ptr<Lifecycle> lifecycle = lifecycle_of(service, requests);
};

}  // namespace

TEST_CASE("a process that no service manager started has no lifecycle of a service") {
  Requests requests;
  CHECK(windows_service_lifecycle(requests) == nullptr);
}

TEST_CASE("each control of a service is one request") {
  Managed managed;
  for (const Control control : {Control::stop, Control::shutdown, Control::preshutdown, Control::reload,
                                Control::reopen_logs, Control::drain, Control::upgrade}) {
    managed.service.control(control);
  }
  CHECK(managed.requests.all == std::vector<Request>{Request::stop, Request::stop, Request::stop, Request::reload,
                                                     Request::reopen_logs, Request::drain, Request::upgrade});
}

TEST_CASE("no control arrives after the lifecycle has gone") {
  Managed managed;
  managed.lifecycle.reset();
  CHECK_FALSE(managed.service.control);
}

TEST_CASE("notices become states of the service, and a drain that takes long says so") {
  Managed managed;
  managed.lifecycle->starting();
  CHECK(managed.service.state() == State::start_pending);
  managed.lifecycle->ready();
  CHECK(managed.service.state() == State::running);
  CHECK(managed.service.reports.back().takes_controls);
  managed.lifecycle->stopping();
  CHECK(managed.service.state() == State::stop_pending);
  const std::uint32_t before = managed.service.reports.back().checkpoint;
  managed.lifecycle->extend(90s);
  CHECK(managed.service.reports.back().checkpoint == before + 1);
  CHECK(managed.service.reports.back().wait_hint == 90s);
}

TEST_CASE("a reload leaves the service running, and time for it is not asked for") {
  Managed managed;
  managed.lifecycle->starting();
  managed.lifecycle->ready();
  managed.lifecycle->reloading();
  managed.lifecycle->status("2 listeners");
  managed.lifecycle->extend(10s);
  managed.lifecycle->ready();
  for (std::size_t i = 1; i < managed.service.reports.size(); ++i) {
    CHECK(managed.service.reports[i].state == State::running);
  }
}

TEST_CASE("less than a millisecond is not announced as nothing") {
  Managed managed;
  managed.lifecycle->starting();
  managed.lifecycle->extend(1us);
  CHECK(managed.service.reports.back().wait_hint == 1ms);
}
