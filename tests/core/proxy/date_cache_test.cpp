// DateCache: the Date field follows the clock, second by second.
#include "core/proxy/date_cache.hpp"

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

WallTime at(std::int64_t seconds, std::int64_t ns = 0) { return WallTime{seconds * 1'000'000'000 + ns}; }

TEST_CASE("the date is that of the second that was asked for, forwards and backwards", "[date]") {
  DateCache cache;
  CHECK(cache.at(at(784111777)) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(cache.at(at(784111777, 999'999'999)) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(cache.at(at(784111778)) == "Sun, 06 Nov 1994 08:49:38 GMT");
  CHECK(cache.at(at(784111777)) == "Sun, 06 Nov 1994 08:49:37 GMT");  // the clock was set back
  CHECK(cache.at(at(0)) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace weir::proxy::test
