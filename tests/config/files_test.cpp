// ${NAME}, !file and include.
#include <cstdlib>

#include "tests/config/support.hpp"

using namespace weir;
using namespace weir::config;
using namespace weir::config::test;

namespace {

std::string body_of(const std::string& value) {
  return good(with_routes("  - respond: " + value + "\n"))->routes[0].respond->body;
}

LoadResult load_in(const Directory& directory, std::string_view text) {
  return load_file(directory.write("weir.yaml", text));
}

}  // namespace

TEST_CASE("A variable of the environment is put in, or its default") {
  const char* path = std::getenv("PATH");
  REQUIRE(path != nullptr);
  CHECK(body_of("\"<${PATH}>\"") == "<" + std::string(path) + ">");
  CHECK(body_of("\"<${PATH:-x}>\"") == "<" + std::string(path) + ">");
  CHECK(body_of("${WEIR_NEVER_SET:-fallback}") == "fallback");
  CHECK(body_of("\"${WEIR_NEVER_SET:-}\"").empty());
  CHECK(body_of("\"a${WEIR_NEVER_SET:-b}c${WEIR_NEVER_SET:-d}\"") == "abcd");
}

TEST_CASE("A dollar before ${ writes it as it is, other dollars mean nothing") {
  CHECK(body_of("\"$${PATH}\"") == "${PATH}");
  CHECK(body_of("\"$HOME costs $5 and $\"") == "$HOME costs $5 and $");
}

TEST_CASE("What a variable holds may be a number, a truth value or a size") {
  const auto spec = good(
      "listeners: { web: \":1\" }\nroutes: [{ respond: 204, max_body: \"${WEIR_NEVER_SET:-4KiB}\" }]\n"
      "limits: { header_count: \"${WEIR_NEVER_SET:-7}\" }\nforwarding: { via: \"${WEIR_NEVER_SET:-false}\" }\n");
  CHECK(spec->limits.header_count == 7);
  CHECK_FALSE(spec->forwarding.via);
  CHECK(spec->routes[0].max_body == 4096);
}

TEST_CASE("A variable that is missing or misspelt is an error at its place") {
  const auto missing = only(with_routes("  - respond: ${WEIR_NEVER_SET}\n"));
  CHECK(missing.line == 4);
  CHECK(missing.column == 14);
  CHECK(missing.key_path == "routes[0].respond");
  CHECK(contains(missing.message, "WEIR_NEVER_SET is not set"));
  CHECK(contains(missing.hint, "${WEIR_NEVER_SET:-value}"));
  CHECK(contains(only(with_routes("  - respond: \"${A B}\"\n")).message, "not the name"));
  CHECK(contains(only(with_routes("  - respond: \"${\"\n")).message, "unclosed"));
  CHECK(contains(only(with_routes("  - respond: \"${}\"\n")).message, "not the name"));
}

TEST_CASE("A redirect leaves the variables of the request alone and no others") {
  const auto spec = good(with_routes("  - redirect: \"https://${host}${WEIR_NEVER_SET:-:8443}${path}${query}\"\n"));
  CHECK(spec->routes[0].redirect->location == "https://${host}:8443${path}${query}");
  const Diagnostic typo = only(with_routes("  - redirect: \"https://${hots}/\"\n"));
  CHECK(contains(typo.hint, "${client} ${host} ${host_port} ${scheme} ${path} ${query} ${uri} ${request_id}"));
}

TEST_CASE("A value can come from a file beside the configuration") {
  const Directory directory;
  directory.write("sub/page.txt", "hello ${PATH}\n\n");
  directory.write("crlf.txt", "x\r\n");
  const auto load_body = [&](const std::string& value) {
    const LoadResult result = load_in(directory, with_routes("  - respond: { body: " + value + " }\n"));
    INFO(all_messages(result));
    REQUIRE(result.spec);
    return result.spec->routes[0].respond->body;
  };
  CHECK(load_body("!file sub/page.txt") == "hello ${PATH}\n");  // as it is, less one line end
  CHECK(load_body("!file crlf.txt") == "x");
  CHECK(load_body("!file \"${WEIR_NEVER_SET:-sub}/page.txt\"") == "hello ${PATH}\n");
  CHECK(load_body("!file " + (directory.path() / "crlf.txt").string()) == "x");

  const LoadResult missing = load_in(directory, with_routes("  - respond: { body: !file nope.txt }\n"));
  REQUIRE(missing.diagnostics.size() == 1);
  CHECK(missing.diagnostics[0].line == 4);
  CHECK(contains(missing.diagnostics[0].message, "nope.txt: No such file"));
  const LoadResult folder = load_in(directory, with_routes("  - respond: { body: !file sub }\n"));
  CHECK(contains(folder.diagnostics.at(0).message, "directory"));
}

TEST_CASE("Names of files are UTF-8 on every system") {
  const Directory directory;
  directory.write("größe/日本.yaml", "routes: [{ respond: !file ключ.txt }]\n");
  directory.write("größe/ключ.txt", "käse\n");
  const LoadResult result = load_in(directory, "include: größe/*本.yaml\nlisteners: { web: \":1\" }\n");
  INFO(all_messages(result));
  REQUIRE(result.spec);
  CHECK(result.spec->routes.at(0).respond->body == "käse");
  CHECK(contains(result.spec->routes.at(0).origin.file, "日本.yaml"));
}

TEST_CASE("Lines may end as on Windows") {
  const Diagnostic wrong = only("listeners:\r\n  web: \":1\"\r\nroutes:\r\n  - respond: x\r\n    pth: /\r\n");
  CHECK(wrong.line == 5);
  CHECK(wrong.source_line == "    pth: /");
  CHECK(good("listeners: { web: \":1\" }\r\nroutes:\r\n  - respond: |\r\n      a\r\n      b\r\n")->routes[0].respond->body ==
        "a\nb\n");
}

TEST_CASE("Included files add their names and their routes, in the order of the files") {
  const Directory directory;
  directory.write("conf.d/b.yaml", "routes: [{ path: /b, upstream: b }]\nupstreams: { b: [\"127.0.0.1:2\"] }\n");
  directory.write("conf.d/a.yaml",
                  "routes: [{ path: /a, upstream: a }]\nupstreams: { a: [\"127.0.0.1:1\"] }\n"
                  "timeouts: { idle: 1s }\n");
  directory.write("conf.d/.hidden.yaml", "nonsense: 1\n");
  directory.write("conf.d/empty.yaml", "# nothing yet\n");
  directory.write("conf.d/notes.txt", "nonsense: 1\n");
  const LoadResult result = load_in(directory,
                                    "include: conf.d/*.yaml\nlisteners: { web: \":1\" }\n"
                                    "routes: [{ path: /main, respond: 204 }]\ntimeouts: { head: 2s }\n");
  INFO(all_messages(result));
  REQUIRE(result.spec);
  CHECK(result.diagnostics.empty());
  REQUIRE(result.spec->routes.size() == 3);
  CHECK(result.spec->routes[0].path == "/main");
  CHECK(result.spec->routes[1].path == "/a");
  CHECK(result.spec->routes[2].path == "/b");
  CHECK(result.spec->upstreams.size() == 2);
  CHECK(result.spec->timeouts.idle == std::chrono::seconds(1));
  CHECK(result.spec->timeouts.head == std::chrono::seconds(2));
  CHECK(contains(result.spec->routes[1].origin.file, "a.yaml"));
  CHECK(result.spec->routes[1].origin.line == 1);
}

TEST_CASE("A name that two files give is an error which names both places") {
  const Directory directory;
  directory.write("more.yaml", "\nupstreams: { app: [\"127.0.0.1:2\"] }\n");
  const LoadResult result = load_in(directory,
                                    "include: more.yaml\nlisteners: { web: { bind: \":1\", upstream: app } }\n"
                                    "upstreams: { app: [\"127.0.0.1:1\"] }\n");
  REQUIRE(result.diagnostics.size() == 1);
  const Diagnostic& clash = result.diagnostics[0];
  CHECK(contains(clash.file, "more.yaml"));
  CHECK(clash.line == 2);
  CHECK(clash.key_path == "upstreams.app");
  CHECK(contains(clash.message, "\"app\" is defined twice"));
  CHECK(contains(clash.hint, "weir.yaml:3:14"));
}

TEST_CASE("Includes are relative to the file that writes them") {
  const Directory directory;
  directory.write("one/a.yaml", "include: two/b.yaml\n");
  directory.write("one/two/b.yaml", "routes: [{ respond: !file text }]\n");
  directory.write("one/two/text", "deep\n");
  const LoadResult result = load_in(directory, "include: [one/a.yaml]\nlisteners: { web: \":1\" }\n");
  INFO(all_messages(result));
  REQUIRE(result.spec);
  CHECK(result.spec->routes.at(0).respond->body == "deep");
}

TEST_CASE("Includes that go round are refused, a pattern leaves its own file out") {
  const Directory directory;
  directory.write("a.yaml", "include: b.yaml\n");
  directory.write("b.yaml", "include: a.yaml\n");
  const LoadResult round =
      load_in(directory, "include: a.yaml\nlisteners: { web: \":1\" }\nroutes: [{ respond: 204 }]\n");
  REQUIRE(round.diagnostics.size() == 1);
  CHECK(contains(round.diagnostics[0].message, "includes itself"));
  CHECK(contains(round.diagnostics[0].file, "b.yaml"));

  const Directory other;
  other.write("c.yaml", "routes: [{ respond: 204 }]\n");
  const LoadResult self = load_in(other, "include: \"*.yaml\"\nlisteners: { web: \":1\" }\n");
  INFO(all_messages(self));
  CHECK(self.spec);
}

TEST_CASE("A file that is named must exist, a pattern may match nothing") {
  const Directory directory;
  const std::string rest = "\nlisteners: { web: \":1\" }\nroutes: [{ respond: 204 }]\n";
  const LoadResult missing = load_in(directory, "include: nope.yaml" + rest);
  REQUIRE(missing.diagnostics.size() == 1);
  CHECK(missing.diagnostics[0].line == 1);
  CHECK(missing.diagnostics[0].column == 10);
  CHECK(contains(missing.diagnostics[0].message, "nope.yaml: No such file"));
  CHECK(load_in(directory, "include: none/*.yaml" + rest).spec);
  CHECK(load_in(directory, "include: [\"?.yaml\", \"*/x.yaml\"]" + rest).spec);
  CHECK_FALSE(load_in(directory, "include: { a: b }" + rest).spec);
  CHECK_FALSE(load_in(directory, "include: [[a]]" + rest).spec);
}

TEST_CASE("A mistake in an included file is reported in that file") {
  const Directory directory;
  directory.write("x.yaml", "routes:\n  - { upstream: nope }\n");
  const LoadResult result = load_in(directory, "include: x.yaml\nlisteners: { web: \":1\" }\n");
  REQUIRE(result.diagnostics.size() == 1);
  CHECK(contains(result.diagnostics[0].file, "x.yaml"));
  CHECK(result.diagnostics[0].source_line == "  - { upstream: nope }");
  directory.write("x.yaml", "routes: [\n");
  CHECK(contains(load_in(directory, "include: x.yaml\nlisteners: { web: \":1\" }\n").diagnostics.at(0).file, "x.yaml"));
}

TEST_CASE("A relative path of the access log starts from the directory of its file") {
  const Directory directory;
  directory.write("conf.d/log.yaml", "access_log: { path: ../log/access.log }\n");
  const LoadResult result = load_in(
      directory, "include: conf.d/*.yaml\nlisteners: { web: \":1\" }\nroutes: [{ respond: 204 }]\n");
  INFO(all_messages(result));
  REQUIRE(result.spec);
  CHECK(path_of(result.spec->access_log.path) == directory.path() / "log" / "access.log");
  CHECK(good("access_log: { path: stderr }\nlisteners: { web: \":1\" }\nroutes: [{ respond: 204 }]\n")
            ->access_log.path == "stderr");
}
