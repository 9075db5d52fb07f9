#include "core/base/address.hpp"

#include "core/base/rng.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

namespace {

std::string ip_text(std::string_view text) {
  const auto ip = parse_ip(text);
  if (!ip) return "refused";
  char out[max_ip_text];
  return {out, write_ip(*ip, out)};
}

std::string round_trip(std::string_view text) {
  const auto address = parse_address(text);
  return address ? to_string(*address) : "refused";
}

bool in_block(std::string_view block, std::string_view ip) {
  const auto parsed = parse_block(block);
  const auto address = parse_ip(ip);
  REQUIRE(parsed);
  REQUIRE(address);
  return parsed->contains(*address);
}

}  // namespace

TEST_CASE("addresses with ports are read and written back", "[address]") {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:80", "[::]:443",
                           "[2001:db8::8:800:200c:417a]:8080", "[fe80::1%2]:80", "[fe80::1%4294967295]:1",
                           "[::ffff:192.0.2.1]:80", "unix:/run/weir.sock", "unix:relative.sock", "unix:/with:colon"}) {
    CAPTURE(text);
    CHECK(round_trip(text) == text);
  }
  CHECK(round_trip(":80") == "0.0.0.0:80");
  CHECK(round_trip("*:80") == "0.0.0.0:80");
  CHECK(round_trip("[0:0:0:0:0:0:0:1]:80") == "[::1]:80");
}

TEST_CASE("the parts of an address are where they belong", "[address]") {
  const auto v4 = parse_address("10.1.2.3:8080");
  REQUIRE(v4);
  CHECK(v4->family == Family::ipv4);
  CHECK(v4->port == 8080);
  CHECK(v4->ip == std::array<std::uint8_t, 16>{10, 1, 2, 3});
  CHECK(v4->scope == 0);

  const auto v6 = parse_address("[fe80::a%7]:53");
  REQUIRE(v6);
  CHECK(v6->family == Family::ipv6);
  CHECK(v6->port == 53);
  CHECK(v6->scope == 7);
  CHECK(v6->ip[0] == 0xfe);
  CHECK(v6->ip[1] == 0x80);
  CHECK(v6->ip[15] == 10);

  const std::string text = "unix:/run/a.sock";
  const auto path = parse_address(text);
  REQUIRE(path);
  CHECK(path->family == Family::unix_path);
  CHECK(path->path == "/run/a.sock");
  CHECK(path->path.data() == text.data() + 5);
}

TEST_CASE("a pipe is named as Windows does, whatever the case of its prefix", "[address]") {
  const std::string text = R"(\\.\PIPE\Web app 1.0)";
  const auto pipe = parse_address(text);
  REQUIRE(pipe);
  CHECK(pipe->family == Family::named_pipe);
  CHECK(pipe->path == "Web app 1.0");
  CHECK(pipe->path.data() == text.data() + 9);
  CHECK_FALSE(pipe->has_port());
  CHECK(to_string(*pipe) == R"(\\.\pipe\Web app 1.0)");
  CHECK(parse_address(to_string(*pipe)) == pipe);
}

TEST_CASE("a name that Windows would not have or would change is no pipe", "[address]") {
  const std::string prefix(pipe_prefix);
  CHECK(parse_address(prefix + std::string(247, 'n')));
  for (const std::string& name :
       {std::string(), std::string(248, 'n'), std::string(R"(a\b)"), std::string("a/b"), std::string("."),
        std::string(".."), std::string("dot."), std::string("space "), std::string("a\0b", 3), std::string("a\nb")}) {
    CAPTURE(name);
    CHECK_FALSE(is_pipe_name(name));
    CHECK_FALSE(parse_address(prefix + name));
  }
  for (const char* text : {R"(\\.\pipe)", R"(\\server\pipe\web)", R"(\.\pipe\web)", "//./pipe/web", "pipe:web"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_address(text));
  }
}

TEST_CASE("what is not an address with a port is refused", "[address]") {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      "80"sv,
                                      "127.0.0.1"sv,
                                      "127.0.0.1:"sv,
                                      "127.0.0.1:65536"sv,
                                      "127.0.0.1:99999999999"sv,
                                      "127.0.0.1:-1"sv,
                                      "127.0.0.1:+1"sv,
                                      "127.0.0.1: 80"sv,
                                      "127.0.0.1:80 "sv,
                                      " 127.0.0.1:80"sv,
                                      "127.0.0.1:080"sv,
                                      "127.0.0.1:0x50"sv,
                                      "127.0.0:80"sv,
                                      "127.0.0.1.1:80"sv,
                                      "256.0.0.1:80"sv,
                                      "01.2.3.4:80"sv,
                                      "1.2.3.:80"sv,
                                      ".1.2.3:80"sv,
                                      "::1:80"sv,
                                      "[::1]"sv,
                                      "[::1]80"sv,
                                      "[::1:80"sv,
                                      "::1]:80"sv,
                                      "[]:80"sv,
                                      "[127.0.0.1]:80"sv,
                                      "[[::1]]:80"sv,
                                      "[::1%]:80"sv,
                                      "[::1%0]:80"sv,
                                      "[::1%eth0]:80"sv,
                                      "[::1%4294967296]:80"sv,
                                      "[::1%01]:80"sv,
                                      "127.0.0.1%1:80"sv,
                                      "localhost:80"sv,
                                      "example.com:80"sv,
                                      "**:80"sv,
                                      "unix:"sv,
                                      "unix:/a\0b"sv,
                                      "UNIX:/a"sv,
                                      "127.0.0.1:80\0"sv}) {
    CAPTURE(text);
    CHECK_FALSE(parse_address(text));
  }
}

TEST_CASE("IPv6 literals are read in every form and written as RFC 5952 says", "[address]") {
  CHECK(ip_text("::") == "::");
  CHECK(ip_text("::1") == "::1");
  CHECK(ip_text("1::") == "1::");
  CHECK(ip_text("0:0:0:0:0:0:0:0") == "::");
  CHECK(ip_text("2001:0DB8:0000:0000:0001:0000:0000:0001") == "2001:db8::1:0:0:1");
  CHECK(ip_text("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");
  CHECK(ip_text("2001:db8::0:1") == "2001:db8::1");
  CHECK(ip_text("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");
  CHECK(ip_text("1:2:3:4:5:6:7::") == "1:2:3:4:5:6:7:0");
  CHECK(ip_text("::2:3:4:5:6:7:8") == "0:2:3:4:5:6:7:8");
  CHECK(ip_text("1:2:3:4:5:6:7:8") == "1:2:3:4:5:6:7:8");
  CHECK(ip_text("1:0:0:4:5:6:0:0") == "1::4:5:6:0:0");
  CHECK(ip_text("::ffff:1.2.3.4") == "::ffff:1.2.3.4");
  CHECK(ip_text("::FFFF:102:304") == "::ffff:1.2.3.4");
  CHECK(ip_text("64:ff9b::192.0.2.33") == "64:ff9b::c000:221");
  CHECK(ip_text("1:2:3:4:5:6:1.2.3.4") == "1:2:3:4:5:6:102:304");
  CHECK(ip_text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  CHECK(ip_text("fe80::1%3") == "fe80::1");
}

TEST_CASE("what is not an IP literal is refused", "[address]") {
  for (const char* text : {"",
                           ":",
                           ":::",
                           "1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "::1::",
                           "1::2::3",
                           ":1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:",
                           "12345::",
                           "g::",
                           "::1 ",
                           "::-1",
                           "::1.2.3",
                           "::1.2.3.4.5",
                           "::256.1.1.1",
                           "1.2.3.4::",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::1.2.3.4:5",
                           "1.2.3.4:",
                           "1.2.3",
                           "1.2.3.4.",
                           "1..3.4",
                           "1.2.3.04",
                           "0x1.2.3.4",
                           "1.2.3.4/8",
                           "::/8",
                           "%1",
                           "::%"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip(text));
  }
}

TEST_CASE("every IPv6 address survives being written and read", "[address]") {
  Rng rng(6);
  for (int i = 0; i < 5000; ++i) {
    Address address;
    address.family = Family::ipv6;
    address.port = static_cast<std::uint16_t>(rng.below(65536));
    // Half of the groups are zero, so that runs of every kind come up.
    for (std::size_t group = 0; group < 16; group += 2) {
      if (rng.chance(0.5)) continue;
      address.ip[group] = static_cast<std::uint8_t>(rng.below(2) * rng.below(256));
      address.ip[group + 1] = static_cast<std::uint8_t>(rng.below(256));
    }
    const std::string text = to_string(address);
    CAPTURE(text);
    const auto read = parse_address(text);
    REQUIRE(read);
    CHECK(*read == address);
    char out[max_ip_text];
    CHECK(write_ip(address, out) <= max_ip_text);
  }
}

TEST_CASE("addresses without an IP are written as words", "[address]") {
  Address unnamed;
  unnamed.family = Family::unix_path;
  CHECK(to_string(unnamed) == "unix:");
  char out[max_ip_text];
  CHECK(std::string_view(out, write_ip(unnamed, out)) == "unix");
  unnamed.family = Family::named_pipe;
  CHECK(to_string(unnamed) == pipe_prefix);
  CHECK(std::string_view(out, write_ip(unnamed, out)) == "pipe");
  CHECK(to_string(Address{}) == "none");
  CHECK(write_ip(Address{}, out) == 0);
}

TEST_CASE("blocks contain what their prefix says", "[address][block]") {
  CHECK(in_block("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(in_block("10.0.0.0/8", "11.0.0.1"));
  CHECK(in_block("192.168.1.64/26", "192.168.1.127"));
  CHECK_FALSE(in_block("192.168.1.64/26", "192.168.1.128"));
  CHECK(in_block("0.0.0.0/0", "8.8.8.8"));
  CHECK(in_block("10.0.0.1", "10.0.0.1"));
  CHECK_FALSE(in_block("10.0.0.1", "10.0.0.2"));
  CHECK(in_block("10.9.8.7/8", "10.0.0.0"));
  CHECK(in_block("fd00::/8", "fdff::1"));
  CHECK_FALSE(in_block("fd00::/8", "fe00::1"));
  CHECK(in_block("2001:db8::/33", "2001:db8:7fff::"));
  CHECK_FALSE(in_block("2001:db8::/33", "2001:db8:8000::"));
  CHECK(in_block("::1", "::1"));
  CHECK(in_block("::/0", "::1"));
}

TEST_CASE("IPv4-mapped peers match IPv4 blocks, and mapped blocks are IPv4 blocks", "[address][block]") {
  CHECK(in_block("10.0.0.0/8", "::ffff:10.1.2.3"));
  CHECK_FALSE(in_block("10.0.0.0/8", "::ffff:11.1.2.3"));
  CHECK_FALSE(in_block("10.0.0.0/8", "::10.1.2.3"));
  CHECK(in_block("::ffff:10.0.0.0/104", "10.1.2.3"));
  CHECK(in_block("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
  CHECK_FALSE(in_block("::ffff:10.0.0.0/104", "11.1.2.3"));
  CHECK(in_block("::/0", "::ffff:10.1.2.3"));
  CHECK_FALSE(in_block("::/0", "10.1.2.3"));
}

TEST_CASE("a block knows its base, and contains no socket path", "[address][block]") {
  const auto block = parse_block("10.9.8.7/12");
  REQUIRE(block);
  CHECK(block->prefix_bits == 12);
  CHECK(to_string(block->base) == "10.0.0.0:0");
  Address path;
  path.family = Family::unix_path;
  CHECK_FALSE(block->contains(path));
  CHECK_FALSE(AddressBlock{}.contains(block->base));
  CHECK_FALSE(AddressBlock{}.contains(Address{}));
}

TEST_CASE("what is not a block is refused", "[address][block]") {
  for (const char* text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8",
                           "10.0.0.0/8 ", "10/8", "::/129", "fe80::%1/64", "[::]/8", "localhost/8", "10.0.0.0:80/8"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_block(text));
  }
}
