#include "systemd/store_name.hpp"

#include "systemd/notify.hpp"
#include "tests/support/catch.hpp"

using namespace weir::systemd;

TEST_CASE("the name of a stored socket says listener and index") {
  CHECK(to_string({"web", 3}).value() == "weir-listen/web/3");
  CHECK(parse_store_name("weir-listen/web/3") == StoreName{"web", 3});
}

TEST_CASE("a listener of any name can be stored and is found again") {
  for (const char* listener :
       {"web", "a/b", "a:b", "50%", "with blank", "gr\xc3\xbcn", "line\nfeed", "%41", "/", "-"}) {
    CAPTURE(listener);
    const StoreName name{listener, 4294967295U};
    const auto text = to_string(name);
    REQUIRE(text.has_value());
    CHECK(is_descriptor_name(*text));
    CHECK(parse_store_name(*text) == name);
  }
}

TEST_CASE("a name that systemd would cut is not made") {
  const std::string longest(255 - std::string("weir-listen//0").size(), 'a');
  CHECK(to_string({longest, 0}).has_value());
  CHECK_FALSE(to_string({longest + "a", 0}).has_value());
  CHECK_FALSE(to_string({longest, 10}).has_value());
}

TEST_CASE("what weir has not stored is left alone") {
  for (const char* text :
       {"web", "weir.socket", "weir-listen", "weir-listen/", "weir-listen/web", "weir-listen/web/", "weir-listen//1",
        "weir-listen/web/x", "weir-listen/web/1x", "weir-listen/web/4294967296", "weir-listen/a/b/1",
        "weir-listen/%4/1", "weir-listen/%zz/1", "weir-listen/%/1", "other/web/1", "unknown", "stored"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_store_name(text).has_value());
  }
}
