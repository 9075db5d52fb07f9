// JSON as it is written and read.
#include "daemon/json.hpp"
#include "tests/support/catch.hpp"

using namespace weir::daemon;

TEST_CASE("what is written is read back") {
  const std::vector<std::string> texts = {"a", "\"\\/\n\x01\x7f", "ünï\xf0\x9f\x99\x82", ""};
  const std::string json = JsonObject()
                               .text("text", texts[1])
                               .number("number", UINT64_MAX)
                               .truth("yes", true)
                               .json("list", json_list(texts))
                               .json("none", "null")
                               .end();
  const auto read = parse_json(json);
  REQUIRE(read);
  CHECK(read->text_of("text") == texts[1]);
  CHECK(read->number_of("number") == UINT64_MAX);
  CHECK(read->truth_of("yes"));
  CHECK(read->find("none")->kind == JsonValue::Kind::null);
  const JsonValue* list = read->find("list");
  REQUIRE(list != nullptr);
  REQUIRE(list->items.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(list->items[i].text == texts[i]);
  CHECK(JsonObject().end() == "{}");
  CHECK(json_list({}) == "[]");
}

TEST_CASE("what is not there is empty") {
  const auto read = parse_json(R"({"a": "x", "b": 1, "c": -1, "d": 1.5, "a": "y"})");
  REQUIRE(read);
  CHECK(read->find("z") == nullptr);
  CHECK(read->text_of("b").empty());
  CHECK(read->number_of("a") == 0);
  CHECK(read->number_of("c") == 0);
  CHECK(read->number_of("d") == 0);
  CHECK_FALSE(read->truth_of("b"));
  CHECK(read->text_of("a") == "y");
}

TEST_CASE("JSON that is valid is read, and nothing else") {
  for (const char* text : {"0", "-0", "12", "1.5e+3", "true", "false", "null", "[]", "{}", " [ 1 , [ ] , { \"a\" : 2 } ] ",
                           R"("\u00fc\ud83d\ude42\/\b\f\r\t")"}) {
    INFO(text);
    CHECK(parse_json(text));
  }
  for (const char* text : {"", " ", "tru", "nul", "01", "1.", ".5", "+1", "1e", "-", "[1,]", "[1 2]", "[", "{", "{\"a\"}",
                           "{\"a\":}", "{a:1}", "{\"a\":1,}", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud83d\"", "\"\\ude42\"",
                           "\"\\ud83d\\u0041\"", "\"a\nb\"", "1 2", "'a'", "{}x", "NaN"}) {
    INFO(text);
    CHECK_FALSE(parse_json(text));
  }
  CHECK(parse_json(R"("\u00fc")")->text == "ü");
  CHECK(parse_json(std::string(30, '[') + std::string(30, ']')));
  CHECK_FALSE(parse_json(std::string(100'000, '[')));
}
