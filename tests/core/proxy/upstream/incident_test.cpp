// What is said about an endpoint that fails, and how often.
#include "core/proxy/upstream/incident.hpp"

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("An incident is told once for each way of failing, however often it fails") {
  Incident incident;
  const TimePoint start;
  CHECK_FALSE(incident.answered(start));
  CHECK(incident.failed(Ending::connect_refused, start));
  CHECK_FALSE(incident.failed(Ending::connect_refused, start + 1s));
  CHECK(incident.failed(Ending::bad_response, start + 2s));
  CHECK_FALSE(incident.failed(Ending::bad_response, start + 3600s));
  CHECK(incident.failures() == 4);
  CHECK(incident.lasted() == 3600s);
}

TEST_CASE("An incident ends with an answer, unless the last failure was a moment ago") {
  Incident incident;
  const TimePoint start{1};
  CHECK(incident.failed(Ending::connect_timeout, start));
  CHECK_FALSE(incident.answered(start + 1s));
  CHECK_FALSE(incident.failed(Ending::connect_timeout, start + 9s));
  CHECK_FALSE(incident.answered(start + 18s));
  CHECK(incident.answered(start + 19s));
  incident.close();
  CHECK_FALSE(incident.answered(start + 40s));
  CHECK(incident.failed(Ending::connect_timeout, start + 41s));
  CHECK(incident.failures() == 1);
  CHECK(incident.lasted() == 0s);
}

TEST_CASE("The lines of an incident name the endpoint") {
  Incident incident;
  CHECK(incident.failed(Ending::bad_response, TimePoint{}));
  CHECK(text_of_failure("app", "10.0.0.1:80", Ending::bad_response, "two-lengths", incident) ==
        "endpoint fails upstream=app endpoint=10.0.0.1:80 ending=bad_response word=two-lengths failures=1");
  CHECK(text_of_failure("app", "10.0.0.1:80", Ending::connect_refused, {}, incident) ==
        "endpoint fails upstream=app endpoint=10.0.0.1:80 ending=connect_refused failures=1");
  CHECK_FALSE(incident.failed(Ending::bad_response, TimePoint{} + 2s));
  CHECK(text_of_recovery("app", "10.0.0.1:80", incident) ==
        "endpoint answers again upstream=app endpoint=10.0.0.1:80 failures=2 for_ms=2000");
}

TEST_CASE("What a client or weir itself did is no failure of the endpoint") {
  for (const Ending ending : {Ending::ok, Ending::client_closed, Ending::total_timeout, Ending::overloaded, Ending::stopped})
    CHECK_FALSE(blames_endpoint(ending));
  CHECK(blames_endpoint(Ending::connect_refused));
  CHECK(blames_endpoint(Ending::upstream_timeout));
}

}  // namespace
}  // namespace weir::proxy::test
