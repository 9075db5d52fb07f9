#include "config/text.hpp"

#include "tests/support/catch.hpp"

using namespace weir::config;
using namespace std::chrono_literals;

TEST_CASE("A duration is a sum of numbers with units") {
  CHECK(parse_duration("30s").value == 30s);
  CHECK(parse_duration("250ms").value == 250ms);
  CHECK(parse_duration("1m30s").value == 90s);
  CHECK(parse_duration("1.5s").value == 1500ms);
  CHECK(parse_duration("2h").value == 2h);
  CHECK(parse_duration("1d").value == 24h);
  CHECK(parse_duration("7us").value == 7us);
  CHECK(parse_duration("0").value == 0s);
  CHECK(parse_duration("0s").verdict == Quantity::good);
}

TEST_CASE("A duration without a unit or with a wrong one says which") {
  CHECK(parse_duration("30").verdict == Quantity::no_unit);
  CHECK(parse_duration("1.5").verdict == Quantity::no_unit);
  CHECK(parse_duration("1m30").verdict == Quantity::no_unit);
  CHECK(parse_duration("30sec").verdict == Quantity::unknown_unit);
  CHECK(parse_duration("").verdict == Quantity::malformed);
  CHECK(parse_duration("-5s").verdict == Quantity::malformed);
  CHECK(parse_duration("s").verdict == Quantity::malformed);
  CHECK(parse_duration("5 s").verdict == Quantity::malformed);
  CHECK(parse_duration(".5s").verdict == Quantity::malformed);
  CHECK(parse_duration("5.s").verdict == Quantity::malformed);
}

TEST_CASE("A duration beyond what is counted is too large, not small again") {
  CHECK(parse_duration("99999999999999999999s").verdict == Quantity::too_large);
  CHECK(parse_duration("9999999999s9999999999s").verdict == Quantity::too_large);
  CHECK(parse_duration("18446744073709551617ms").verdict == Quantity::too_large);
}

TEST_CASE("A size takes binary and decimal units") {
  CHECK(parse_size("512B").value == 512);
  CHECK(parse_size("32KiB").value == 32 * 1024);
  CHECK(parse_size("1.5MiB").value == 1536 * 1024);
  CHECK(parse_size("2GiB").value == 2ULL * 1024 * 1024 * 1024);
  CHECK(parse_size("10kB").value == 10000);
  CHECK(parse_size("10MB").value == 10000000);
  CHECK(parse_size("0").value == 0);
  CHECK(parse_size("32").verdict == Quantity::no_unit);
  CHECK(parse_size("32K").verdict == Quantity::unknown_unit);
  CHECK(parse_size("1KiB2B").verdict == Quantity::malformed);
  CHECK(parse_size("").verdict == Quantity::malformed);
  CHECK(parse_size("99999999999999999999GiB").verdict == Quantity::too_large);
}

TEST_CASE("Quantities are written as they are read") {
  CHECK(duration_text(90s) == "1m30s");
  CHECK(duration_text(0s) == "0s");
  CHECK(duration_text(3600s) == "1h");
  CHECK(size_text(32 * 1024) == "32KiB");
  CHECK(size_text(0) == "0");
  CHECK(size_text(1000) == "1000B");
}

TEST_CASE("The closest known word is found for a slip of the fingers, and none for another word") {
  constexpr std::string_view words[] = {"upstream", "redirect", "respond", "path", "host"};
  CHECK(closest("upstraem", words) == "upstream");
  CHECK(closest("upstrem", words) == "upstream");
  CHECK(closest("Host", words) == "host");
  CHECK(closest("paths", words) == "path");
  CHECK(closest("certificate", words).empty());
  CHECK(closest("x", words).empty());
  CHECK(closest("", words).empty());
}

TEST_CASE("Header names are tokens and values are single lines") {
  CHECK(is_token("X-Env"));
  CHECK_FALSE(is_token("X Env"));
  CHECK_FALSE(is_token("X:"));
  CHECK_FALSE(is_token(""));
  CHECK(is_field_value("a\tb \xC3\xA9"));
  CHECK_FALSE(is_field_value("a\nb"));
  CHECK_FALSE(is_field_value("a\r"));
  CHECK_FALSE(is_field_value(std::string_view("a\0b", 3)));
  CHECK_FALSE(is_field_value(" a"));
}
