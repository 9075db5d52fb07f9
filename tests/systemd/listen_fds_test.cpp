#include "systemd/listen_fds.hpp"

#include "tests/support/catch.hpp"

using namespace weir;
using namespace weir::systemd;

namespace {

Environment passed(std::string process, std::string count, std::string names) {
  Environment environment;
  environment.process = 42;
  environment.listen_pid = std::move(process);
  environment.listen_fds = std::move(count);
  environment.listen_fdnames = std::move(names);
  return environment;
}

std::string refusal(const Environment& environment) {
  const auto names = passed_names(environment);
  return names ? "accepted" : names.error();
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("passed descriptors have the names that systemd lists") {
  CHECK(passed_names(passed("42", "2", "web:weir-listen/web/1")).value() == Names{"web", "weir-listen/web/1"});
  CHECK(passed_names(passed("42", "0", "")).value().empty());
}

TEST_CASE("names may be missing altogether, as with an old systemd") {
  CHECK(passed_names(passed("42", "2", "")).value() == Names{"unknown", "unknown"});
}

TEST_CASE("one name may be empty and stays in its place") {
  CHECK(passed_names(passed("42", "3", "a::c")).value() == Names{"a", "", "c"});
}

TEST_CASE("descriptors that were meant for another process are not ours") {
  CHECK(passed_names(passed("43", "2", "a:b")).value().empty());
  CHECK(passed_names(passed("", "2", "a:b")).value().empty());
  CHECK(passed_names(passed("42", "", "")).value().empty());
}

TEST_CASE("variables that contradict themselves are refused, and the sentence names them") {
  CHECK(refusal(passed("42", "2", "web")) == "LISTEN_FDS says 2 descriptors, LISTEN_FDNAMES has 1 names");
  CHECK(refusal(passed("42", "two", "")) == "LISTEN_FDS is \"two\", not a number of descriptors");
  CHECK(refusal(passed("42", "-1", "")) == "LISTEN_FDS is \"-1\", not a number of descriptors");
  CHECK(refusal(passed("42", "4294967296", "")) == "LISTEN_FDS is \"4294967296\", not a number of descriptors");
  CHECK(refusal(passed("self", "1", "")) == "LISTEN_PID is \"self\", not a number");
}
