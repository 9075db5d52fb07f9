// Whom a request is attributed to, and the locations of redirects.

#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

Forwarding trusting(std::initializer_list<std::string_view> blocks) {
  Forwarding rules;
  for (const std::string_view text : blocks) rules.trusted_proxies.push_back(block(text));
  return rules;
}

std::string client_text(const Forwarding& rules, std::string_view peer,
                        std::initializer_list<std::string_view> forwarded_for) {
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (const std::string_view value : forwarded_for) text.append("X-Forwarded-For: ").append(value).append("\r\n");
  const Request parsed(text + "\r\n");
  const Address client = client_of(parsed.head(), ip(peer), rules);
  char room[max_ip_text];
  return std::string(room, write_ip(client, room));
}

TEST_CASE("A request is attributed to its peer unless a trusted one says otherwise") {
  const Forwarding rules = trusting({"10.0.0.0/8", "fd00::/8"});
  CHECK(client_text(rules, "192.0.2.1", {"6.6.6.6"}) == "192.0.2.1");
  CHECK(client_text(rules, "10.0.0.1", {}) == "10.0.0.1");
  CHECK(client_text(rules, "10.0.0.1", {"203.0.113.5"}) == "203.0.113.5");
  CHECK(client_text(Forwarding{}, "10.0.0.1", {"203.0.113.5"}) == "10.0.0.1");
}

TEST_CASE("The rightmost address that is not trusted is the client") {
  const Forwarding rules = trusting({"10.0.0.0/8", "fd00::/8"});
  CHECK(client_text(rules, "10.0.0.1", {"6.6.6.6, 203.0.113.5, 10.9.9.9"}) == "203.0.113.5");
  CHECK(client_text(rules, "10.0.0.1", {"6.6.6.6, 203.0.113.5", "10.9.9.9,10.8.8.8"}) == "203.0.113.5");
  CHECK(client_text(rules, "10.0.0.1", {"203.0.113.5", ""}) == "203.0.113.5");
  CHECK(client_text(rules, "fd00::1", {"2001:db8::5, fd00::2"}) == "2001:db8::5");
  CHECK(client_text(rules, "10.0.0.1", {"10.1.1.1, 10.2.2.2"}) == "10.1.1.1");
}

TEST_CASE("What is left of an element that is no address is not believed") {
  const Forwarding rules = trusting({"10.0.0.0/8"});
  CHECK(client_text(rules, "10.0.0.1", {"203.0.113.5, unknown, 10.2.2.2"}) == "10.2.2.2");
  CHECK(client_text(rules, "10.0.0.1", {"203.0.113.5, unknown"}) == "10.0.0.1");
  CHECK(client_text(rules, "10.0.0.1", {"[nonsense"}) == "10.0.0.1");
  CHECK(client_text(rules, "10.0.0.1", {"["}) == "10.0.0.1");
}

TEST_CASE("Addresses with ports are read") {
  const Forwarding rules = trusting({"10.0.0.0/8"});
  CHECK(client_text(rules, "10.0.0.1", {"203.0.113.5:4711"}) == "203.0.113.5");
  CHECK(client_text(rules, "10.0.0.1", {"[2001:db8::5]:4711"}) == "2001:db8::5");
  CHECK(client_text(rules, "10.0.0.1", {"[2001:db8::5]"}) == "2001:db8::5");
}

TEST_CASE("A peer on a unix socket is not in any address block") {
  Address peer;
  peer.family = Family::unix_path;
  CHECK_FALSE(is_trusted(peer, trusting({"0.0.0.0/0", "::/0"})));
  CHECK(is_trusted(ip("::ffff:10.0.0.1"), trusting({"10.0.0.0/8"})));
}

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
