// Fields that are lists: what is said in the second line or in the second member counts like what is said first.

#include <array>

#include "core/proxy/error_page.hpp"
#include "core/proxy/head_policy.hpp"
#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

// The same list three ways: telling value first, as second member, and in a second line.
std::array<std::string, 3> spellings(const std::string& name, const std::string& telling, const std::string& other) {
  return {name + ": " + telling + ", " + other + "\r\n", name + ": " + other + ", " + telling + "\r\n",
          name + ": " + other + "\r\n" + name + ": " + telling + "\r\n"};
}

std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }

std::string forwarded(const http::RequestHead& head, bool trusted = false) {
  Forwarding rules;
  const Address client = ip("192.0.2.7");
  ForwardRequest request;
  request.head = &head;
  request.rules = &rules;
  request.client = &client;
  request.client_trusted = trusted;
  BufferPool pool;
  http::SliceWriter out;
  out.reset(pool);
  write_request_head(request, out);
  const std::string text = text_of(out);
  out.reset(pool);
  return text;
}

TEST_CASE("An upgrade to HTTP/2 is found in any member of any Upgrade line") {
  const auto may_pass = [](const std::string& fields) {
    const Request request(get("Connection: upgrade\r\n" + fields));
    return upgrade_may_pass(request.head());
  };
  for (const char* telling : {"h2c", "H2C", "h2c-14", "h2", "HTTP/2.0"}) {
    CHECK_FALSE(may_pass("Upgrade: " + std::string(telling) + "\r\n"));
    for (const std::string& fields : spellings("Upgrade", telling, "websocket")) {
      INFO(fields);
      CHECK_FALSE(may_pass(fields));
    }
  }
  CHECK_FALSE(may_pass("Upgrade: ,h2c\r\n"));
  CHECK_FALSE(may_pass("Upgrade:\r\nUpgrade: \t,\th2c\r\n"));
  CHECK_FALSE(may_pass("Upgrade: ,\r\n"));  // names nothing
  CHECK(may_pass("Upgrade: websocket\r\n"));
  CHECK(may_pass("Upgrade: websocket, other/1.0\r\n"));
  CHECK(may_pass("Upgrade: ,docker\r\n"));
}

TEST_CASE("An upgrade passes only where Connection asks for it, in any member of any line") {
  for (const std::string& fields : spellings("Connection", "Upgrade", "keep-alive")) {
    INFO(fields);
    CHECK(upgrade_may_pass(Request(get(fields + "Upgrade: websocket\r\n")).head()));
  }
  CHECK_FALSE(upgrade_may_pass(Request(get("Connection: keep-alive\r\nUpgrade: websocket\r\n")).head()));
}

TEST_CASE("HTTP2-Settings never passes") {
  for (const char* connection : {"", "Connection: upgrade, HTTP2-Settings\r\n"}) {
    const Request request(get(std::string(connection) + "http2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nX-A: 1\r\n"));
    for (const bool trusted : {false, true}) {
      const std::string text = forwarded(request.head(), trusted);
      CHECK(text.find("ettings") == text.npos);
      CHECK(text.find("X-A: 1\r\n") != text.npos);
    }
  }
}

TEST_CASE("Connection closes, and names a field, in any member of any line") {
  for (const std::string& fields : spellings("Connection", "close", "te"))
    CHECK_FALSE(Request(get(fields)).head().keep_alive);
  for (const std::string& fields : spellings("Connection", "X-Hop", "keep-alive")) {
    INFO(fields);
    const Request request(get(fields + "X-Hop: 1\r\n"));
    CHECK(forwarded(request.head()).find("X-Hop") == std::string::npos);
  }
}

TEST_CASE("TE takes trailers in any member of any line") {
  for (const std::string& fields : spellings("TE", "trailers", "gzip;q=0.5")) {
    INFO(fields);
    const Request request(get(fields));
    CHECK(forwarded(request.head()).find("TE: trailers\r\nConnection: TE\r\n") != std::string::npos);
  }
}

http::Parse parsed(const std::string& text) {
  http::Limits limits;
  http::RequestParser parser;
  parser.reset(limits);
  return parser.parse(text);
}

TEST_CASE("A transfer coding that is not known is refused in any member of any line, and chunked twice as well") {
  for (const char* telling : {"gzip", "chunked"}) {
    for (const std::string& fields : spellings("Transfer-Encoding", telling, "chunked")) {
      INFO(fields);
      CHECK(parsed("POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n") == http::Parse::refused);
    }
  }
}

TEST_CASE("An expectation that is not known is refused in any member of any line") {
  for (const std::string& fields : spellings("Expect", "miracle", "100-continue")) {
    INFO(fields);
    CHECK(parsed(get(fields)) == http::Parse::refused);
  }
}

TEST_CASE("Accept chooses the error page by any member of any line") {
  for (const std::string& fields : spellings("Accept", "text/html", "image/png")) {
    INFO(fields);
    CHECK(choose_page(Request(get(fields)).head()) == PageKind::html);
  }
  CHECK(choose_page(Request(get("Accept: text/html;q=0.2\r\nAccept: application/json\r\n")).head()) ==
        PageKind::problem_json);
  CHECK(choose_page(Request(get("")).head()) == PageKind::text);
}

TEST_CASE("All members of all Forwarded and X-Forwarded-For lines of a trusted peer are continued") {
  for (const std::string& fields : spellings("Forwarded", "for=203.0.113.5", "for=10.0.0.1")) {
    INFO(fields);
    const std::string text = forwarded(Request(get(fields)).head(), true);
    CHECK(text.find("for=203.0.113.5") != text.npos);
    CHECK(text.find("for=10.0.0.1") != text.npos);
  }
  for (const std::string& fields : spellings("X-Forwarded-For", "203.0.113.5", "10.0.0.1")) {
    INFO(fields);
    const std::string text = forwarded(Request(get(fields)).head(), true);
    CHECK(text.find("203.0.113.5") != text.npos);
    CHECK(text.find("10.0.0.1") != text.npos);
    const std::string untrusted = forwarded(Request(get(fields)).head(), false);
    CHECK(untrusted.find("203.0.113.5") == untrusted.npos);
  }
}

}  // namespace
}  // namespace weir::proxy::test
