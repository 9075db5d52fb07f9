// Whom a request is attributed to.

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

}  // namespace
}  // namespace weir::proxy::test
