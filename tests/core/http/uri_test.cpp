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
Normal normalise(std::string_view path, PathRules rules = {}) {
  const auto out = std::make_unique<char[]>(path.size());
  const NormalPath result = normalise_path(path, out.get(), rules);
  if (result.verdict == PathVerdict::unchanged) CHECK(result.path.data() == path.data());
  if (result.verdict == PathVerdict::rewritten) CHECK(result.path.data() == out.get());
  CHECK(result.word.empty() == (result.verdict != PathVerdict::refused));
  return {result.verdict, std::string(result.path), result.word};
}

TEST_CASE("a normal path is the received bytes") {
  for (const std::string_view path : {"/"sv,         "/a"sv,
                                      "/a/"sv,       "/a/b.html"sv,
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
      {"//", "/"},
      {"///", "/"},
      {"//a", "/a"},
      {"///a", "/a"},
      {"/a//", "/a/"},
      {"//a//b//", "/a/b/"},
      {"/a//b///c", "/a/b/c"},
      {"/a//../b", "/b"},
      {"/a//..", "/"},
      {"/a/b//..", "/a/"},
      {"/a/..//b", "/b"},
      {"/x/..//admin", "/admin"},
      {"/a/.//b", "/a/b"},
      {"/a//.", "/a/"},
      {"//./a", "/a"},
      {"/%61//b", "/a/b"},
      {"/a//%2e%2e/b", "/b"},
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
      {"//..", "climbs"},
      {"//../a", "climbs"},
      {"/a//../..", "climbs"},
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

constexpr PathRules keep_slashes{.merge_slashes = false};
constexpr PathRules keep_encoded{.encoded_slash = PathRules::EncodedSlash::keep};

TEST_CASE("repeated slashes stay where the rules keep them, and hold empty segments") {
  for (const std::string_view path : {"//"sv, "//a//b//"sv, "/bucket//key"sv, "/https://a.test/"sv}) {
    CAPTURE(path);
    CHECK(normalise(path, keep_slashes).verdict == PathVerdict::unchanged);
    CHECK(normalise(path).verdict == PathVerdict::rewritten);
  }
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"/a//../b", "/a/b"}, {"/a/..//b", "//b"}, {"//..", "/"}, {"//../a", "/a"}, {"/%61//", "/a//"},
  };
  for (const auto& [path, expected] : vectors) {
    CAPTURE(path);
    const Normal normal = normalise(path, keep_slashes);
    CHECK(normal.verdict == PathVerdict::rewritten);
    CHECK(normal.path == expected);
  }
  CHECK(normalise("//../..", keep_slashes).word == "climbs");
  CHECK(normalise("/a%2Fb", keep_slashes).word == "encoded-slash");
}

TEST_CASE("an encoded slash is data where the rules keep it") {
  for (const std::string_view path :
       {"/@scope%2Fpkg"sv, "/api/queues/%2F"sv, "/api/queues/%2F/name"sv, "/%2F%2F"sv, "/a%2F..b"sv, "/.a%2Fb"sv}) {
    CAPTURE(path);
    const Normal normal = normalise(path, keep_encoded);
    CHECK(normal.verdict == PathVerdict::unchanged);
    CHECK(normal.path == path);
    CHECK(normalise(path).word == "encoded-slash");
  }
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"/@scope%2fpkg", "/@scope%2Fpkg"}, {"//a%2Fb", "/a%2Fb"}, {"/a%2Fb/../c", "/c"}, {"/a/%2F/../b", "/a/b"},
      {"/%61%2f%62", "/a%2Fb"},           {"/./%2F", "/%2F"},
  };
  for (const auto& [path, expected] : vectors) {
    CAPTURE(path);
    const Normal normal = normalise(path, keep_encoded);
    CHECK(normal.verdict == PathVerdict::rewritten);
    CHECK(normal.path == expected);
  }
}

TEST_CASE("an encoded slash beside a dot segment is refused even where it is kept") {
  for (const std::string_view path : {"/..%2Fa", "/..%2fa", "/a/..%2Fadmin", "/a%2F..", "/a%2F../b", "/a%2F..%2Fb",
                                      "/%2F..", "/.%2Fa", "/a%2F.", "/a%2F%2e%2e/b", "/%2e%2e%2Fa", "/a%2F..;x"}) {
    CAPTURE(path);
    const Normal normal = normalise(path, keep_encoded);
    CHECK(normal.verdict == PathVerdict::refused);
    CHECK(normal.word == "encoded-slash-dots");
  }
  CHECK(normalise("/a%5Cb", keep_encoded).word == "encoded-backslash");
}

void check_normal_forms(PathRules rules) {
  constexpr std::string_view pieces[] = {"/",   "/",   ".",   ".",   "..", "a",   "%2e", "%2f",
                                         "%2E", "%61", "%c3", "%25", "b;", "%3b", "%2F"};
  Rng rng(42);
  int rewritten = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string path = "/";
    for (std::uint64_t n = rng.below(14); n > 0; --n) path += pieces[rng.below(std::size(pieces))];
    const Normal once = normalise(path, rules);
    if (once.verdict == PathVerdict::refused) continue;
    rewritten += once.verdict == PathVerdict::rewritten;
    const Normal twice = normalise(once.path, rules);
    const std::string bounded = once.path + "/";
    const bool good = twice.verdict == PathVerdict::unchanged && once.path.size() <= path.size() &&
                      once.path.starts_with('/') && bounded.find("/./") == bounded.npos &&
                      bounded.find("/../") == bounded.npos &&
                      (!rules.merge_slashes || once.path.find("//") == once.path.npos) &&
                      (once.path == path) == (once.verdict == PathVerdict::unchanged);
    if (!good) {
      CAPTURE(path, once.path);
      CHECK(good);
    }
  }
  CHECK(rewritten > 1000);
}

TEST_CASE("a normal form is normal, never longer, and without dot segments, by all rules") {
  check_normal_forms({});
  check_normal_forms(keep_slashes);
  check_normal_forms(keep_encoded);
  check_normal_forms({.merge_slashes = false, .encoded_slash = PathRules::EncodedSlash::keep});
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
      {"a.test:", "a.test", -1},
      {"[::1]:", "[::1]", -1},
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
                                      "a::"sv,
                                      "[::1]::"sv,
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
