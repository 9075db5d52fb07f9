// Random heads through the writers and back through the parser: what is sent on is well formed, says the planned
// framing and nothing that belongs to a connection.

#include "core/base/rng.hpp"
#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

using http::FieldId;
using http::Framing;

class World {
 public:
  explicit World(std::uint64_t seed) : rng(seed) {}

  std::string pick(std::initializer_list<const char*> words) { return words.begin()[rng.below(words.size())]; }

  // Lines that go with any framing.
  std::string field_lines() {
    std::string text;
    for (std::uint64_t i = rng.below(14); i > 0; --i) text += field_line() + "\r\n";
    return text;
  }
  HeaderEdit edit() {
    HeaderEdit edit;
    for (std::uint64_t i = rng.below(3); i > 0; --i) edit.remove.push_back(edited_name());
    for (std::uint64_t i = rng.below(3); i > 0; --i) edit.set.push_back({edited_name(), "set"});
    for (std::uint64_t i = rng.below(3); i > 0; --i)
      edit.add.push_back({edited_name(), std::string(rng.below(400), 'v')});
    return edit;
  }
  BodyPlan plan() {
    switch (rng.below(3)) {
      case 0: return {Framing::chunked, 0};
      case 1: return {Framing::length, rng.below(2000)};
      default: return {};
    }
  }

  Rng rng;

 private:
  std::string field_line() {
    const std::string value = pick({"", "a", "1, 2", "203.0.113.9", "for=1.2.3.4", "close", "trailers", "  padded  "});
    switch (rng.below(4)) {
      case 0:
        return pick({"Connection: ", "connection:"}) + pick({"close", "keep-alive", "X-A, host", "upgrade", "te"});
      case 1:
        return pick({"X-Forwarded-For: ", "Forwarded: ", "X-Forwarded-Proto: ", "X-Request-ID:", "Via: "}) + value;
      case 2: return pick({"TE: ", "Keep-Alive: ", "Upgrade: ", "Proxy-Connection: ", "Trailer: "}) + value;
      default: return pick({"X-A: ", "X-B: ", "Accept: ", "Cookie:", "Server: "}) + value;
    }
  }
  std::string edited_name() {
    return pick({"X-A", "x-b", "Via", "Connection", "Content-Length", "Transfer-Encoding", "X-Forwarded-For", "X-New"});
  }
};

void check_end_to_end(const http::Head& head, bool upgrade) {
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    const http::Field& field = head.fields[i];
    REQUIRE(field.id != FieldId::keep_alive);
    REQUIRE(field.id != FieldId::proxy_connection);
    if (!upgrade) REQUIRE(field.id != FieldId::upgrade);
    if (field.id == FieldId::te) REQUIRE(head.value(field) == "trailers");
  }
}

std::string framing_line(World& world) {
  return world.pick({"", "Content-Length: 0\r\n", "Content-Length: 77\r\n", "Transfer-Encoding: chunked\r\n"});
}

TEST_CASE("What is sent to an upstream is read as it was meant") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    INFO("seed " << seed);
    World world(seed);
    const std::string method = world.pick({"GET", "POST", "OPTIONS"});
    const std::string target = world.pick({"/", "/a/b?c", "http://h/x", "http://h:80?q"});
    const Request received(method + " " + target + " HTTP/1.1\r\n" + framing_line(world) + world.field_lines() +
                           "Host: h\r\n" + world.field_lines() + "\r\n");
    Forwarding rules;
    rules.x_forwarded = world.rng.chance(0.7);
    rules.forwarded = world.rng.chance(0.7);
    const HeaderEdit edit = world.edit();
    const Address client = ip(world.pick({"192.0.2.1", "2001:db8::1"}));
    ForwardRequest request;
    request.head = &received.head();
    request.rules = &rules;
    const AppliedEdit applied(&edit);
    request.edits = {&applied, 1};
    request.client = &client;
    request.client_trusted = world.rng.chance(0.5);
    request.target = received.head().target;
    request.host = world.rng.chance(0.5) ? "" : "rewritten";
    request.request_id = world.rng.chance(0.5) ? "" : "0123456789abcdef";
    request.upgrade = received.head().connection_upgrade && world.rng.chance(0.5);
    request.body = world.plan();
    BufferPool pool;
    http::SliceWriter out;
    out.reset(pool);
    write_request_head(request, out);
    const Request sent(text_of(out));
    out.reset(pool);
    REQUIRE(sent.head().method_text == method);
    REQUIRE(sent.head().form == http::TargetForm::origin);
    REQUIRE(sent.head().keep_alive);
    REQUIRE(sent.head().connection_upgrade == request.upgrade);
    if (request.body.framing == Framing::none) {
      REQUIRE(sent.head().content_length == 0);
      REQUIRE(sent.head().framing != Framing::chunked);
    } else {
      REQUIRE(sent.head().framing == request.body.framing);
      if (request.body.framing == Framing::length) REQUIRE(sent.head().content_length == request.body.length);
    }
    check_end_to_end(sent.head(), request.upgrade);
  }
}

TEST_CASE("What is sent to a client is read as it was meant") {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    INFO("seed " << seed);
    World world(seed);
    const Response received(world.pick({"HTTP/1.1 200 OK\r\n", "HTTP/1.1 404 \r\n"}) + framing_line(world) +
                            world.field_lines() + "\r\n");
    Forwarding rules;
    rules.via = world.rng.chance(0.7);
    const HeaderEdit edit = world.edit();
    ForwardResponse response;
    response.head = &received.head();
    response.rules = &rules;
    const AppliedEdit applied(&edit);
    response.edits = {&applied, 1};
    response.request_id = world.rng.chance(0.5) ? "" : "0123456789abcdef";
    response.close = world.rng.chance(0.5);
    response.body = world.plan();
    if (response.body.framing == Framing::none) response.body = {Framing::until_close, 0};
    BufferPool pool;
    http::SliceWriter out;
    out.reset(pool);
    write_response_head(response, out);
    const Response sent(text_of(out));
    out.reset(pool);
    REQUIRE(sent.head().status == received.head().status);
    REQUIRE(sent.head().framing == response.body.framing);
    if (response.body.framing == Framing::length) REQUIRE(sent.head().content_length == response.body.length);
    REQUIRE(sent.head().keep_alive == !response.close);
    check_end_to_end(sent.head(), false);
  }
}

}  // namespace
}  // namespace weir::proxy::test
