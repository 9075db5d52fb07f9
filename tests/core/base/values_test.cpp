// Errors, random numbers and time: the small values.
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "core/base/assert.hpp"
#include "core/base/error.hpp"
#include "core/base/rng.hpp"
#include "core/base/time.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

TEST_CASE("every error code has a name of its own", "[error]") {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Errc::unknown); ++code) {
    const std::string_view name = name_of(static_cast<Errc>(code));
    CAPTURE(code, name);
    CHECK_FALSE(name.empty());
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
    CHECK((name == "unknown") == (static_cast<Errc>(code) == Errc::unknown));
    CHECK(names.insert(name).second);
  }
  CHECK(name_of(Errc::connection_reset) == "connection_reset");
}

TEST_CASE("an error is true when something failed, and compares by its portable code", "[error]") {
  CHECK_FALSE(Error{});
  CHECK(Error(Errc::timed_out));
  CHECK(Error(Errc::not_found, 2) == Error(Errc::not_found));
  CHECK_FALSE(Error(Errc::not_found) == Error(Errc::timed_out));
}

TEST_CASE("what this process has run out of is told from what a peer did", "[error]") {
  const std::set<Errc> own = {Errc::descriptor_limit, Errc::out_of_memory, Errc::not_supported, Errc::limit_exceeded};
  for (int code = 0; code <= static_cast<int>(Errc::unknown); ++code) {
    const auto errc = static_cast<Errc>(code);
    CAPTURE(name_of(errc));
    CHECK(is_local_exhaustion(errc) == own.contains(errc));
  }
}

TEST_CASE("describe has the system's text and code, or weir's words", "[error]") {
  CHECK(describe(Errc::timed_out) == "timed out");
  Error refused(Errc::not_supported);
  refused.rule = 7;
  CHECK(describe(refused) == "not supported (platform rule 7)");
  const std::string text = describe(Error(Errc::not_found, 2));
  CAPTURE(text);
  CHECK(text.ends_with(" (os error 2)"));
  CHECK(text.size() > std::string(" (os error 2)").size());
  CHECK(text[0] == static_cast<char>(std::tolower(text[0])));
}

TEST_CASE("a result holds a value or an error", "[error]") {
  const Result<int> good = 3;
  const Result<int> bad = std::unexpected(Error(Errc::broken_pipe));
  CHECK(good.value() == 3);
  CHECK(bad.error().code == Errc::broken_pipe);
}

TEST_CASE("the same seed gives the same numbers on every platform", "[rng]") {
  // Computed with the reference implementations of splitmix64 and xoshiro256** 1.0.
  Rng zero(0);
  for (const std::uint64_t expected : {UINT64_C(0x99ec5f36cb75f2b4), UINT64_C(0xbf6e1f784956452a),
                                       UINT64_C(0x1a5f849d4933e6e0), UINT64_C(0x6aa594f1262d2d2c)}) {
    CHECK(zero.next() == expected);
  }
  Rng other(12345);
  for (const std::uint64_t expected : {UINT64_C(0xbe6a36374160d49b), UINT64_C(0x214aaa0637a688c6),
                                       UINT64_C(0xf69d16de9954d388), UINT64_C(0x0c60048c4e96e033)}) {
    CHECK(other.next() == expected);
  }
}

TEST_CASE("bounded numbers stay in their bounds and reach them", "[rng]") {
  Rng rng(1);
  std::vector<int> seen(7);
  for (int i = 0; i < 7000; ++i) {
    const std::uint64_t drawn = rng.below(7);
    REQUIRE(drawn < 7);
    ++seen[drawn];
  }
  for (const int count : seen) CHECK(std::abs(count - 1000) < 200);

  std::set<std::uint64_t> between;
  for (int i = 0; i < 200; ++i) between.insert(rng.between(5, 8));
  CHECK(between == std::set<std::uint64_t>{5, 6, 7, 8});
  CHECK(rng.between(9, 9) == 9);
  CHECK(rng.below(1) == 0);
  CHECK(rng.between(0, UINT64_MAX) != rng.between(0, UINT64_MAX));
}

TEST_CASE("a chance of none never comes, a certain one always does", "[rng]") {
  Rng rng(2);
  int half = 0;
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE_FALSE(rng.chance(0.0));
    REQUIRE(rng.chance(1.0));
    half += rng.chance(0.5) ? 1 : 0;
  }
  CHECK(std::abs(half - 5000) < 300);
}

TEST_CASE("a point in time saturates instead of wrapping", "[time]") {
  const TimePoint now{1000};
  CHECK(now + Duration(5) == TimePoint{1005});
  CHECK(now + Duration(-5) == TimePoint{995});
  CHECK(now + Duration::max() == TimePoint::max());
  CHECK(TimePoint::max() + Duration(1) == TimePoint::max());
  CHECK(TimePoint{7} - TimePoint{3} == Duration(4));
  CHECK(TimePoint{3} < TimePoint{7});
}

TEST_CASE("an expectation that fails is counted and goes on", "[assert]") {
  int counter = 0;
  WEIR_EXPECT(1 + 1 == 2, counter);
  CHECK(counter == 0);
  WEIR_EXPECT(1 + 1 == 3, counter);
  CHECK(counter == 1);
}
