// The YAML beneath: what is no YAML, aliases, merge keys, and texts that only look harmless.
#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

void refused(std::string_view text, int line, std::string_view message, std::string_view hint) {
  const Diagnostic found = only(text);
  INFO(render(found));
  CHECK(found.severity == Severity::error);
  CHECK(found.line == line);
  CHECK(contains(found.message, message));
  CHECK(contains(found.hint, hint));
}

}  // namespace

TEST_CASE("Text that is no YAML is one error that says what to do") {
  refused("listeners:\n  web: a: b\n", 2, "a ':' is not allowed here", "needs quotes");
  refused("listeners:\n\tweb: \":1\"\n", 2, "", "indented with a tab: use spaces");
  refused("listeners:\n  web: \":1\"\n other: \":2\"\n", 3, "does not fit the block", "same indentation");
  refused("listeners: { web: \":1\"\nroutes: []\n", 2, "ends unexpectedly", "the { at line 1, column 12 is not closed");
  refused("routes: [1, 2\n", 1, "ends unexpectedly", "the [ at line 1, column 9 is not closed");
  refused("a: @x\n", 1, "cannot begin with this character", "in quotes");
  refused("routes:\n  - { host: *.example.com, respond: 204 }\n", 2, "alias", "\"*.example.com\"");
  refused("routes:\n  - { redirect: https://${host}/ }\n", 2, "", "needs quotes: \"${NAME}\"");
  refused("a: [}\n", 1, "", "");
}

TEST_CASE("A quote that is never closed is found where it opens") {
  refused("listeners:\n  web: \":1\nroutes: []\n", 2, "unclosed quote", "same quote");
  refused("listeners:\n  web: ':1\n", 2, "unclosed quote", "same quote");
  refused("server_name: \"a\\\"\n", 1, "unclosed quote", "same quote");
  good("listeners: { web: ':1' }\nroutes: [{ respond: 'it''s' }]\n");
  good("listeners: { web: ':1' }\nroutes: [{ respond: \"a\\\"b\" }]\n");
}

TEST_CASE("A file without content says what the smallest is") {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "~\n"}) {
    refused(text, 1, "contains no configuration", "listeners");
  }
  refused("just text\n", 1, "is a map of keys", "listeners");
  refused("[a, b]\n", 1, "is a map of keys", "listeners");
}

TEST_CASE("A file is one document of UTF-8 text") {
  refused("listeners: { web: \":1\" }\nroutes: [{ respond: 1 }]\n---\na: b\n", 3, "second document", "remove");
  refused(std::string_view("a: b\0c\n", 7), 1, "control character", "UTF-8");
  refused("a: b\n# \x04\nlisteners: x\n", 2, "control character", "");  // to yaml-cpp this is the end of the file
  refused("a: \xFF\n", 1, "not UTF-8", "");
  refused("a: \xC3\n", 1, "not UTF-8", "");
  good("\xEF\xBB\xBFlisteners: { web: \":1\" }\r\nroutes: [{ respond: 204 }]\r\n");
  good("---\nlisteners: { web: \":1\" }\nroutes: [{ respond: 204 }]\n...\n");
}

TEST_CASE("An error in a file with Windows line ends has the right place") {
  const Diagnostic found = only("listeners: { web: \":1\" }\r\nroutes: [{ respond: 204 }]\r\nx: 1\r\n");
  CHECK(found.line == 3);
  CHECK(found.source_line == "x: 1");
}

TEST_CASE("Keys are texts") {
  refused("listeners: { web: \":1\" }\nroutes: [{ respond: 204 }]\n? [a]\n: b\n", 3, "a key must be a string", "");
  refused("listeners: { web: \":1\" }\nroutes: [{ respond: 204 }]\n~: b\n", 3, "a key must be a string", "");
}

TEST_CASE("An alias stands for what it names, with the settings of its place") {
  const auto spec = good(R"(
listeners: { web: { bind: ":1", upstream: &name app } }
upstreams: { *name : &endpoints ["127.0.0.1:1"], other: *endpoints }
routes: [{ upstream: other }]
)");
  CHECK(spec->upstreams[0].name == "app");
  CHECK(spec->upstreams[1].endpoints[0].text == "127.0.0.1:1");
}

TEST_CASE("A merge key adds what is not there") {
  const auto spec = good(with_routes(R"(
  - &base { path: /a, upstream: app, max_body: 1KiB, timeout: { idle: 1s } }
  - { <<: *base, path: /b }
  - { path: /c, <<: [{ max_body: 2KiB }, *base] }
)"));
  REQUIRE(spec->routes.size() == 3);
  CHECK(spec->routes[1].path == "/b");
  CHECK(spec->routes[1].max_body == 1024);
  CHECK(spec->routes[1].timeout.idle == std::chrono::seconds(1));
  CHECK(spec->routes[2].max_body == 2048);
  CHECK(spec->routes[2].upstream == "app");
  CHECK(spec->routes[0].path == "/a");
  refused(with_routes("  - { <<: text, upstream: app }\n"), 4, "takes maps", "*anchor");
}

TEST_CASE("A quoted << is an ordinary key") {
  refused(with_routes("  - { \"<<\": {}, upstream: app }\n"), 4, "unknown key \"<<\"", "Allowed here");
}

TEST_CASE("Aliases cannot blow up memory or loop") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += before + ", ";
    bomb += before + "]\n";
  }
  refused(bomb, 5, "more than 100000 values", "fewer aliases");
  refused("a: &x [*x]\n", 1, "inside the value it refers to", "");
  refused("a: &x { <<: *x }\n", 1, "inside the value it refers to", "");
}

TEST_CASE("Nesting without end is refused, not followed") {
  const Diagnostic found = only("a: " + std::string(10000, '[') + "\n");
  CHECK(found.severity == Severity::error);
  CHECK(found.line == 1);
}

TEST_CASE("A tag other than !file is refused, those of YAML itself change nothing") {
  refused("listeners: { web: \":1\" }\nroutes: [{ respond: !secret x }]\n", 2, "unknown tag !secret", "!file");
  CHECK(good("listeners: { web: \":1\" }\nroutes: [{ respond: 204 }]\nserver_name: !!str 204\n")->server_name == "204");
}

TEST_CASE("A block text keeps its lines") {
  const auto spec = good("listeners: { web: \":1\" }\nroutes:\n  - respond: |\n      one\n      two\n");
  CHECK(spec->routes[0].respond->body == "one\ntwo\n");
}

TEST_CASE("Lists and maps that are nested too deep are refused where that begins") {
  const std::string depth_of_brackets(20'000, '[');
  const Diagnostic list = only("listeners: { web: \":1\" }\nroutes: " + depth_of_brackets);
  CHECK(list.line == 2);
  CHECK(list.column <= 72);
  CHECK(contains(list.message, "nested more than 64 levels deep"));
  std::string maps = "a: ";
  std::string dashes;
  for (int i = 0; i < 20'000; ++i) {
    maps += "{a: ";
    dashes += "- ";
  }
  CHECK(contains(only(maps).message, "nested more than 64 levels deep"));
  CHECK(contains(only(dashes + "x\n").message, "nested more than 64 levels deep"));
}
