// The locations of redirects.

#include "core/proxy/redirect.hpp"

#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

std::string location(std::string_view text, const RedirectContext& context) {
  BufferPool pool;
  http::SliceWriter out;
  out.reset(pool);
  write_location(text, context, out);
  const std::string written = text_of(out);
  out.reset(pool);
  return written;
}

TEST_CASE("A location is made from the parts of the request") {
  const RedirectContext context{"http", "example.com", "/a/b", "?q=1&r"};
  CHECK(location("https://${host}${uri}", context) == "https://example.com/a/b?q=1&r");
  CHECK(location("${scheme}://new.example${path}?old=1&${query}", context) == "http://new.example/a/b?old=1&q=1&r");
  CHECK(location("/fixed", context) == "/fixed");
  CHECK(location("", context).empty());
  CHECK(location("https://${host}${uri}", {"http", "example.com", "/", ""}) == "https://example.com/");
  CHECK(location("${uri}", {"http", "a", "/p", "q=1"}) == "/p?q=1");
}

TEST_CASE("What is not a variable stays as it is") {
  CHECK(location("/${nothing}/${host", {"http", "h", "/", ""}) == "/${nothing}/${host");
  CHECK(location("/$host/${}", {"http", "h", "/", ""}) == "/$host/${}");
}

TEST_CASE("A location has the host without its port") {
  CHECK(location("https://${host}/", {"http", "example.com:8080", "/", ""}) == "https://example.com/");
  CHECK(location("https://${host}/", {"http", "[::1]:8080", "/", ""}) == "https://[::1]/");
  CHECK(location("https://${host}/", {"http", "[::1]", "/", ""}) == "https://[::1]/");
}

TEST_CASE("A location that names host_port has the port that the client used") {
  const auto redirected = [](std::string_view host_port) {
    return location("http://${host_port}${path}", {"http", "example.com", "/new", "", host_port});
  };
  CHECK(redirected("example.com:8080") == "http://example.com:8080/new");
  CHECK(redirected("example.com") == "http://example.com/new");
  CHECK(redirected("[::1]:8080") == "http://[::1]:8080/new");
  CHECK(redirected("a\r\nb") == "http://a%0D%0Ab/new");
}

TEST_CASE("Nothing that could end a header line gets into a location") {
  CHECK(location("/x${path}", {"http", "a", "/a\r\nSet-Cookie: b", ""}) == "/x/a%0D%0ASet-Cookie:%20b");
  CHECK(location("${query}", {"http", "a", "/", std::string_view("?\0\x7f\xff", 4)}) == "%00%7F%FF");
}

TEST_CASE("A path cannot make a location point to another host") {
  CHECK(location("${uri}", {"http", "a", "//evil.example/x", "?y"}) == "/evil.example/x?y");
  CHECK(location("${path}", {"http", "a", "///evil.example", ""}) == "/evil.example");
  CHECK(location("https://a${path}", {"http", "a", "//b", ""}) == "https://a//b");
}

TEST_CASE("A long location is written whole") {
  const std::string path = "/" + std::string(3000, 'p');
  CHECK(location("https://${host}${uri}", {"http", "a", path, "?q"}) == "https://a" + path + "?q");
}

}  // namespace
}  // namespace weir::proxy::test
