#include "systemd/journal.hpp"

#include "tests/support/catch.hpp"

using namespace weir;
using namespace weir::systemd;

namespace {

std::string line(Level level, std::string_view text) {
  std::string out;
  append_journal_line({level, WallTime{1'700'000'000'000'000'000}, text}, out);
  return out;
}

}  // namespace

TEST_CASE("a line for the journal has a priority instead of time and level") {
  CHECK(line(Level::error, "cannot bind") == "<3>cannot bind\n");
  CHECK(line(Level::warn, "endpoint down") == "<4>endpoint down\n");
  CHECK(line(Level::info, "serving") == "<6>serving\n");
  CHECK(line(Level::debug, "turn") == "<7>turn\n");
  CHECK(line(Level::trace, "op") == "<7>op\n");
}

TEST_CASE("no text forges a line or a priority in the journal") {
  CHECK(line(Level::info, "a\n<0>forged\x7f") == "<6>a\\x0a<0>forged\\x7f\n");
  CHECK(line(Level::info, "<0>forged") == "<6><0>forged\n");
  CHECK(line(Level::info, "") == "<6>\n");
}

TEST_CASE("lines are appended") {
  std::string out = "<6>first\n";
  append_journal_line({Level::warn, {}, "second"}, out);
  CHECK(out == "<6>first\n<4>second\n");
}

TEST_CASE("a stream is named by device and inode") {
  CHECK(parse_stream_id("8:1234") == StreamId{8, 1234});
  for (const char* text : {"", "8", "8:", ":1", "8:x", "8:1:2", "-8:1", "99999999999999999999:1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_stream_id(text).has_value());
  }
}
