// Normal paths and authorities.

#include "core/http/uri.hpp"

#include <memory>
#include <string>

#include "core/base/rng.hpp"
#include "tests/support/catch.hpp"

namespace weir::http::test {
namespace {

using namespace std::string_view_literals;

struct Normal {
  PathVerdict verdict;
  std::string path;
  std::string_view word;
};

// The output has exactly the room that is promised, so that a byte more is seen by the address sanitizer.
Normal normalise(std::string_view path) {
  const auto out = std::make_unique<char[]>(path.size());
  const NormalPath result = normalise_path(path, out.get());
  if (result.verdict == PathVerdict::unchanged) CHECK(result.path.data() == path.data());
  if (result.verdict == PathVerdict::rewritten) CHECK(result.path.data() == out.get());
  CHECK(result.word.empty() == (result.verdict != PathVerdict::refused));
  return {result.verdict, std::string(result.path), result.word};
}

TEST_CASE("a normal path is the received bytes") {
  for (const std::string_view path : {"/"sv,         "/a"sv,
                                      "/a/"sv,       "/a/b.html"sv,
                                      "//"sv,        "//a//b//"sv,
                                      "/.a"sv,       "/..a"sv,
                                      "/a."sv,       "/a.."sv,
                                      "/..."sv,      "/a/.../b"sv,
                                      "/a.b/c..d"sv, "/.well-known/x"sv,
                                      "/%C3%A4"sv,   "/a%20b"sv,
                                      "/%25"sv,      "/%3F%23"sv,
                                      "/%2525"sv,    "/a;b=c/d"sv,
                                      "/;..;"sv,     "/a+b:c@d!$&'()*,="sv,
                                      "/~_-."sv,     "/a|b^c`{d}[e]\"<f>"sv,
                                      "/%FF%80"sv}) {
    CAPTURE(path);
    const Normal normal = normalise(path);
    CHECK(normal.verdict == PathVerdict::unchanged);
    CHECK(normal.path == path);
  }
}

TEST_CASE("what is not normal is rewritten") {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"/%61", "/a"},
      {"/%41%5a%7E%2d%5F", "/AZ~-_"},
      {"/%c3%a4", "/%C3%A4"},
      {"/a%2e", "/a."},
      {"/.", "/"},
      {"/./", "/"},
      {"/a/.", "/a/"},
      {"/a/./b", "/a/b"},
      {"/./a", "/a"},
      {"/a/..", "/"},
      {"/a/../", "/"},
      {"/a/../b", "/b"},
      {"/a/b/../../c", "/c"},
      {"/a/b/..", "/a/"},
      {"/a//../b", "/a/b"},
      {"/a/..//b", "//b"},
      {"//..", "/"},
      {"/%2e", "/"},
      {"/a/%2E%2e/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/a/%2e./b", "/b"},
      {"/a%2e%2e/b", "/a../b"},
      {"/%25%32%65", "/%252e"},
      {"/a/./../b/./c/..", "/b/"},
      {"/%3a", "/%3A"},
      {"/%2525%61", "/%2525a"},
      {"/a/.../%2e/b", "/a/.../b"},
  };
  for (const auto& [path, expected] : vectors) {
    CAPTURE(path);
    const Normal normal = normalise(path);
    CHECK(normal.verdict == PathVerdict::rewritten);
    CHECK(normal.path == expected);
  }
}

TEST_CASE("what readers would take differently is refused") {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", "no-slash"},
      {"a", "no-slash"},
      {"*", "no-slash"},
      {"%2f", "no-slash"},
      {"/..", "climbs"},
      {"/../a", "climbs"},
      {"/a/../..", "climbs"},
      {"/a/../../b", "climbs"},
      {"/./..", "climbs"},
      {"/%2e%2e/a", "climbs"},
      {"/a%2fb", "encoded-slash"},
      {"/a%2Fb", "encoded-slash"},
      {"/..%2fa", "encoded-slash"},
      {"/a%5cb", "encoded-backslash"},
      {"/a%5Cb", "encoded-backslash"},
      {"/a\\b", "backslash"},
      {"/..\\a", "backslash"},
      {"/%00", "encoded-control"},
      {"/a%0d%0aX", "encoded-control"},
      {"/%1F", "encoded-control"},
      {"/%09", "encoded-control"},
      {"/%7f", "encoded-control"},
      {"/%", "bad-escape"},
      {"/%4", "bad-escape"},
      {"/a%", "bad-escape"},
      {"/%g0", "bad-escape"},
      {"/%0g", "bad-escape"},
      {"/%%41", "bad-escape"},
      {"/% 41", "bad-escape"},
      {"/%u0041", "bad-escape"},
      {"/a b", "bad-byte"},
      {"/\xc3\xa4", "bad-byte"},
      {"/\x7f", "bad-byte"},
      {"/\t", "bad-byte"},
      {"/a?b", "bad-byte"},
      {"/a#b", "bad-byte"},
      {std::string_view("/\0", 2), "bad-byte"},
      {"/a/..;/b", "dot-parameters"},
      {"/a/..;x=y", "dot-parameters"},
      {"/a/.;/b", "dot-parameters"},
      {"/a/%2e%2e;/b", "dot-parameters"},
  };
  for (const auto& [path, word] : vectors) {
    CAPTURE(path);
    const Normal normal = normalise(path);
    CHECK(normal.verdict == PathVerdict::refused);
    CHECK(normal.word == word);
  }
}

TEST_CASE("a normal form is normal, never longer, and without dot segments") {
  constexpr std::string_view pieces[] = {"/",   "/",   ".",   ".",   "..", "a",   "%2e",
                                         "%2E", "%61", "%c3", "%25", "b;", "%3b", "x"};
  Rng rng(42);
  int rewritten = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string path = "/";
    for (std::uint64_t n = rng.below(14); n > 0; --n) path += pieces[rng.below(std::size(pieces))];
    const Normal once = normalise(path);
    if (once.verdict == PathVerdict::refused) continue;
    rewritten += once.verdict == PathVerdict::rewritten;
    const Normal twice = normalise(once.path);
    const std::string bounded = once.path + "/";
    const bool good = twice.verdict == PathVerdict::unchanged && once.path.size() <= path.size() &&
                      once.path.starts_with('/') && bounded.find("/./") == bounded.npos &&
                      bounded.find("/../") == bounded.npos &&
                      (once.path == path) == (once.verdict == PathVerdict::unchanged);
    if (!good) {
      CAPTURE(path, once.path);
      CHECK(good);
    }
  }
  CHECK(rewritten > 1000);
}

TEST_CASE("authorities are taken apart") {
  struct Case {
    std::string_view text, host;
    int port;  // -1: none
  };
  const Case cases[] = {
      {"a", "a", -1},
      {"Example.COM:8080", "Example.COM", 8080},
      {"my_host-1.~x", "my_host-1.~x", -1},
      {"127.0.0.1:1", "127.0.0.1", 1},
      {"a:65535", "a", 65535},
      {"a:080", "a", 80},
      {"[::1]", "[::1]", -1},
      {"[2001:DB8::1]:443", "[2001:DB8::1]", 443},
      {"[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]", -1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const std::optional<Authority> authority = parse_authority(c.text);
    REQUIRE(authority.has_value());
    CHECK(authority->host == c.host);
    CHECK((authority->port ? int{*authority->port} : -1) == c.port);
  }
}

TEST_CASE("what is no authority is refused") {
  for (const std::string_view text : {""sv,
                                      ":"sv,
                                      ":80"sv,
                                      "a:"sv,
                                      "a:0"sv,
                                      "a:65536"sv,
                                      "a:123456"sv,
                                      "a:+1"sv,
                                      "a:-1"sv,
                                      "a:1a"sv,
                                      "a: 1"sv,
                                      "a:1 "sv,
                                      "a:b"sv,
                                      "a:1:2"sv,
                                      " a"sv,
                                      "a "sv,
                                      "a b"sv,
                                      "a\tb"sv,
                                      "a/b"sv,
                                      "a?b"sv,
                                      "a#b"sv,
                                      "a\\b"sv,
                                      "u@a"sv,
                                      "u:p@a"sv,
                                      "a,b"sv,
                                      "a;b"sv,
                                      "a%41"sv,
                                      "a\0"sv,
                                      "\xc3\xa4"sv,
                                      "::1"sv,
                                      "[::1"sv,
                                      "[::1]a"sv,
                                      "[::1]:"sv,
                                      "[]"sv,
                                      "[a]"sv,
                                      "[127.0.0.1]"sv,
                                      "[fe80::1%1]"sv,
                                      "[fe80::1%251]"sv,
                                      "[v1.a]"sv,
                                      "[::1]]"sv,
                                      "[[::1]]"sv,
                                      "[:::]"sv,
                                      "[1:2:3:4:5:6:7:8:9]"sv}) {
    CAPTURE(text);
    CHECK_FALSE(parse_authority(text).has_value());
  }
}

}  // namespace
}  // namespace weir::http::test
