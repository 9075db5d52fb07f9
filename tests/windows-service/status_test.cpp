#include "windows-service/status.hpp"

#include <vector>

#include "tests/support/catch.hpp"
#include "windows-service/patience.hpp"

using namespace weir::windows_service;
using namespace std::chrono_literals;

namespace {

struct Told {
  std::vector<StatusReport> reports;
  StatusReporter reporter{[this](const StatusReport& report) { reports.push_back(report); }};
};

}  // namespace

TEST_CASE("a service starts, runs and stops, and takes controls only while it runs") {
  Told told;
  told.reporter.starting(30s);
  told.reporter.running();
  told.reporter.stopping(20s);
  told.reporter.stopped(0);
  REQUIRE(told.reports.size() == 4);
  CHECK(told.reports[0] == StatusReport{State::start_pending, false, 0, 1, 30s});
  CHECK(told.reports[1] == StatusReport{State::running, true, 0, 0, 0ms});
  CHECK(told.reports[2] == StatusReport{State::stop_pending, false, 0, 1, 20s});
  CHECK(told.reports[3] == StatusReport{State::stopped, false, 0, 0, 0ms});
}

TEST_CASE("the checkpoint grows with each report of a pending state and starts over with the next one") {
  Told told;
  told.reporter.starting(10s);
  told.reporter.extend(40s);
  told.reporter.starting(5s);
  told.reporter.running();
  told.reporter.stopping(10s);
  told.reporter.stopping(10s);
  told.reporter.extend(70s);
  std::vector<std::uint32_t> checkpoints;
  for (const StatusReport& report : told.reports) checkpoints.push_back(report.checkpoint);
  CHECK(checkpoints == std::vector<std::uint32_t>{1, 2, 3, 0, 1, 2, 3});
  CHECK(told.reports[1].wait_hint == 40s);
  CHECK(told.reports[6].wait_hint == 70s);
}

TEST_CASE("more time means nothing to a service that is not pending") {
  Told told;
  told.reporter.starting(1s);
  told.reporter.running();
  told.reporter.extend(30s);
  told.reporter.stopped(0);
  told.reporter.extend(30s);
  CHECK(told.reports.size() == 3);
}

TEST_CASE("a service that was told to stop never says that it runs") {
  Told told;
  told.reporter.starting(1s);
  told.reporter.stopping(1s);
  told.reporter.running();
  told.reporter.starting(1s);
  CHECK(told.reporter.last().state == State::stop_pending);
  CHECK(told.reports.size() == 2);
}

TEST_CASE("the end is reported once, with the exit code") {
  Told told;
  told.reporter.starting(1s);
  told.reporter.stopped(78);
  told.reporter.stopped(0);
  told.reporter.running();
  REQUIRE(told.reports.size() == 2);
  CHECK(told.reports[1] == StatusReport{State::stopped, false, 78, 0, 0ms});
}

TEST_CASE("what another start would not change is reported, the rest is left to the recovery actions") {
  // exit code, was running, asked to stop, started by hand
  CHECK(leaving({0, true, true, false}) == Leaving::reported);
  CHECK(leaving({0, true, false, false}) == Leaving::reported);  // weir stop
  for (const int code : {2, 78}) {
    for (const bool by_hand : {true, false}) {
      CHECK(leaving({code, false, false, by_hand}) == Leaving::reported);
      CHECK(leaving({code, true, false, by_hand}) == Leaving::reported);
    }
  }
  CHECK(leaving({1, false, false, true}) == Leaving::reported);  // a port in use: whoever started it is told
  CHECK(leaving({1, false, false, false}) == Leaving::silent);   // the same at boot: tried again
  CHECK(leaving({1, true, false, true}) == Leaving::silent);     // it failed while it ran
  CHECK(leaving({1, true, false, false}) == Leaving::silent);
  CHECK(leaving({1, true, true, false}) == Leaving::reported);  // a failed stop is a stop
}

TEST_CASE("somebody who waits does so while there is progress, and as long as was announced") {
  Patience patience;
  Patience::Time now{};
  const auto look = [&](std::uint32_t checkpoint, std::chrono::milliseconds hint) {
    return patience.next({State::stop_pending, false, 0, checkpoint, hint}, now);
  };
  CHECK(look(1, 60s) == 1s);  // the longest pause
  now += 60s;
  CHECK(look(1, 60s));
  CHECK(look(2, 60s));  // progress: the time begins again
  now += 60s;
  CHECK(look(2, 60s));
  now += 1ms;
  CHECK_FALSE(look(2, 60s));
}

TEST_CASE("a short announcement is not held against a service at once") {
  Patience patience;
  Patience::Time now{};
  const StatusReport report{State::start_pending, false, 0, 0, 0ms};
  CHECK(patience.next(report, now) == 50ms);  // the shortest pause
  now += Patience::least;
  CHECK(patience.next(report, now));
  now += 1ms;
  CHECK_FALSE(patience.next(report, now));
}

TEST_CASE("the pause between two looks is a tenth of what was announced") {
  Patience patience;
  CHECK(patience.next({State::stop_pending, false, 0, 1, 4s}, {}) == 400ms);
}
