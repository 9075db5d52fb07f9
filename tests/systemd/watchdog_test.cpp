#include "systemd/watchdog.hpp"

#include <chrono>

#include "tests/support/catch.hpp"

using namespace weir;
using namespace weir::systemd;
using namespace std::chrono_literals;

namespace {

std::optional<Duration> interval(std::string microseconds, std::string process) {
  Environment environment;
  environment.process = 42;
  environment.watchdog_usec = std::move(microseconds);
  environment.watchdog_pid = std::move(process);
  return watchdog_interval(environment);
}

}  // namespace

TEST_CASE("the watchdog's interval is the one of the unit") {
  CHECK(interval("30000000", "42") == std::optional<Duration>(30s));
  CHECK(interval("500", "42") == std::optional<Duration>(500us));
}

TEST_CASE("without WATCHDOG_PID the interval applies to any process, as one that takes over needs it") {
  CHECK(interval("30000000", "") == std::optional<Duration>(30s));
}

TEST_CASE("a watchdog of another process is ignored") {
  CHECK_FALSE(interval("30000000", "43").has_value());
  CHECK_FALSE(interval("30000000", "42x").has_value());
}

TEST_CASE("values that systemd would not write are ignored") {
  for (const char* text : {"", "0", "-1", "1s", "30000000 ", "99999999999999999999", "9223372036854775807"}) {
    CAPTURE(text);
    CHECK_FALSE(interval(text, "42").has_value());
  }
}
