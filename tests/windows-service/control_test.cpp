#include "windows-service/control.hpp"

#include <set>
#include <string>

#include "tests/support/catch.hpp"

using namespace weir::windows_service;

TEST_CASE("each control that weir takes has its meaning, and no other has one") {
  // winsvc.h: STOP 1, SHUTDOWN 5, PARAMCHANGE 6, PRESHUTDOWN 15.
  CHECK(control_of(1) == Control::stop);
  CHECK(control_of(5) == Control::shutdown);
  CHECK(control_of(6) == Control::reload);
  CHECK(control_of(15) == Control::preshutdown);
  CHECK(control_of(128) == Control::reopen_logs);
  CHECK(control_of(129) == Control::drain);
  CHECK(control_of(130) == Control::upgrade);
  int known = 0;
  for (std::uint32_t code = 0; code < 256; ++code) known += control_of(code).has_value() ? 1 : 0;
  CHECK(known == 7);
  CHECK_FALSE(control_of(0xFFFF'FFFF));
}

TEST_CASE("the controls that end the service are those of Windows for that") {
  for (const Control control : {Control::stop, Control::shutdown, Control::preshutdown})
    CHECK(ends_the_service(control));
  // A drain ends it as well, but later, and it can still be stopped meanwhile.
  for (const Control control : {Control::reload, Control::reopen_logs, Control::drain, Control::upgrade}) {
    CHECK_FALSE(ends_the_service(control));
  }
}

TEST_CASE("each control has a name of its own") {
  std::set<std::string> names;
  for (std::uint32_t code = 0; code < 256; ++code) {
    if (const auto control = control_of(code)) names.emplace(name_of(*control));
  }
  CHECK(names == std::set<std::string>{"drain", "preshutdown", "reload", "reopen-logs", "shutdown", "stop", "upgrade"});
}
