// What a well-formed request head is read as.

#include "tests/core/http/feed.hpp"

namespace weir::http::test {
namespace {

constexpr std::string_view typical =
    "GET /index.html?a=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test/1.0 (x; y)\r\nAccept: */*\r\n"
    "X-Empty:\r\nx-SPACED: \t a b\tc \t\r\n\r\n";

TEST_CASE("a typical request is taken apart") {
  const Request request(typical);
  REQUIRE(request.result == Parse::complete);
  const RequestHead& head = request.head();
  CHECK(head.method == Method::get);
  CHECK(head.method_text == "GET");
  CHECK(head.form == TargetForm::origin);
  CHECK(head.target == "/index.html?a=1");
  CHECK(head.path == "/index.html");
  CHECK(head.query == "?a=1");
  CHECK(head.authority == "example.com");
  CHECK(head.scheme.empty());
  CHECK(head.size == typical.size());
  CHECK(head.start_line_end == 30);
  CHECK(head.minor_version == 1);
  CHECK(head.framing == Framing::none);
  CHECK(head.keep_alive);
  CHECK_FALSE(head.expect_continue);
  CHECK(head.field_count == 5);
  CHECK(head.value_of(FieldId::user_agent) == "test/1.0 (x; y)");
  REQUIRE(head.find("X-Spaced") != nullptr);
  CHECK(head.value(*head.find("X-Spaced")) == "a b\tc");
  CHECK(head.name(*head.find("X-Spaced")) == "x-SPACED");
  REQUIRE(head.find("x-empty") != nullptr);
  CHECK(head.value(*head.find("x-empty")).empty());
  CHECK(head.find("absent") == nullptr);
  CHECK(head.find(FieldId::via) == nullptr);
}

TEST_CASE("field lines lie behind each other without gaps, CRLF included") {
  const Request request(typical);
  const RequestHead& head = request.head();
  std::uint32_t at = head.start_line_end;
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    CHECK(head.fields[i].name_begin == at);
    at = head.fields[i].line_end;
    CHECK(std::string_view(head.base + at - 2, 2) == "\r\n");
  }
  CHECK(at + 2 == head.size);
}

TEST_CASE("well-formed requests are read the same however their bytes are cut") {
  const Limits limits;
  RequestParser parser;
  for (const std::string_view bytes : {
           typical,
           std::string_view("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string_view("GET / HTTP/1.0\r\n\r\n"),
           std::string_view("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n"),
           std::string_view("GET http://Example.com:80?x HTTP/1.1\r\nHost: example.COM\r\n\r\n"),
           std::string_view("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"),
           std::string_view(
               "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: x, close\r\nX: 1\r\n\r\n"),
       }) {
    CAPTURE(bytes);
    CHECK(feed_request(parser, bytes, limits).starts_with("complete "));
  }
}

TEST_CASE("bytes behind a head are left to the next request") {
  const std::string first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string second = "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n";
  const std::string bytes = first + second + "GET";
  const Limits limits;
  RequestParser parser;
  parser.reset(limits);
  REQUIRE(parser.parse(bytes) == Parse::complete);
  CHECK(parser.head().size == first.size());
  CHECK(parser.head().path == "/1");
  parser.reset(limits);
  REQUIRE(parser.parse(std::string_view(bytes).substr(first.size())) == Parse::complete);
  CHECK(parser.head().size == second.size());
  CHECK(parser.head().path == "/2");
  CHECK(parser.head().authority == "b");
  parser.reset(limits);
  CHECK_FALSE(parser.started());
  CHECK(parser.parse("GET") == Parse::need_more);
  CHECK(parser.started());
}

TEST_CASE("garbage behind a head does not matter to it") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  const Request request(head + "\n\0\r\n" + std::string(100'000, 'x'));
  REQUIRE(request.result == Parse::complete);
  CHECK(request.head().size == head.size());
}

TEST_CASE("one empty line before the request line is skipped") {
  const Request request("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(request.result == Parse::complete);
  CHECK(request.parser.skipped() == 2);
  CHECK(request.head().base == request.text.data() + 2);
  CHECK(request.head().size == request.text.size() - 2);
  CHECK(request.head().method_text == "GET");
  const Limits limits;
  RequestParser parser;
  parser.reset(limits);
  CHECK(parser.parse("\r\n") == Parse::need_more);
  CHECK_FALSE(parser.started());
  CHECK(parser.skipped() == 2);
}

TEST_CASE("parsing again after the end gives the same head, also at another address") {
  Request request(typical);
  const Copy moved(request.text);
  CHECK(request.parser.parse(moved.view()) == Parse::complete);
  CHECK(request.head().base == moved.view().data());
  CHECK(request.head().path == "/index.html");
}

TEST_CASE("methods are told apart by case and spelling") {
  const std::pair<std::string_view, Method> methods[] = {
      {"GET", Method::get},        {"HEAD", Method::head},       {"POST", Method::post},   {"PUT", Method::put},
      {"DELETE", Method::del},     {"OPTIONS", Method::options}, {"TRACE", Method::trace}, {"PATCH", Method::patch},
      {"get", Method::other},      {"GETT", Method::other},      {"PURGE", Method::other}, {"M-SEARCH", Method::other},
      {"CONNECTX", Method::other},
  };
  for (const auto& [text, method] : methods) {
    const Request request(std::string(text) + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    CAPTURE(text);
    REQUIRE(request.result == Parse::complete);
    CHECK(request.head().method == method);
    CHECK(request.head().method_text == text);
  }
}

TEST_CASE("absolute targets give scheme, authority, path and query") {
  struct Target {
    std::string_view target, host, scheme, authority, path, query;
  };
  const Target targets[] = {
      {"http://a/b?c", "a", "http", "a", "/b", "?c"},
      {"HTTPS://A.example:8443/", "a.EXAMPLE:8443", "HTTPS", "A.example:8443", "/", ""},
      {"http://a", "a:80", "http", "a", "/", ""},
      {"https://a:443", "a", "https", "a:443", "/", ""},
      {"http://a?q/r", "a", "http", "a", "/", "?q/r"},
      {"http://[2001:db8::1]:81/x", "[2001:DB8::1]:81", "http", "[2001:db8::1]:81", "/x", ""},
  };
  for (const Target& t : targets) {
    const Request request("GET " + std::string(t.target) + " HTTP/1.1\r\nHost: " + std::string(t.host) + "\r\n\r\n");
    CAPTURE(t.target);
    REQUIRE(request.result == Parse::complete);
    CHECK(request.head().form == TargetForm::absolute);
    CHECK(request.head().scheme == t.scheme);
    CHECK(request.head().authority == t.authority);
    CHECK(request.head().path == t.path);
    CHECK(request.head().query == t.query);
  }
}

TEST_CASE("the other forms of a target") {
  const Request connect("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n");
  REQUIRE(connect.result == Parse::complete);
  CHECK(connect.head().form == TargetForm::authority);
  CHECK(connect.head().method == Method::connect);
  CHECK(connect.head().authority == "a.example:443");
  CHECK(connect.head().path.empty());
  const Request options("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(options.result == Parse::complete);
  CHECK(options.head().form == TargetForm::asterisk);
  CHECK(options.head().path == "*");
  CHECK(options.head().authority == "a");
  const Request odd("GET //a//?b?c=http://d HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(odd.result == Parse::complete);
  CHECK(odd.head().form == TargetForm::origin);
  CHECK(odd.head().path == "//a//");
  CHECK(odd.head().query == "?b?c=http://d");
  const Request browser("GET /a|b?x={\"y\":[1]}^` HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(browser.result == Parse::complete);
}

TEST_CASE("an empty Host stands for a target without authority") {
  const Request request("GET / HTTP/1.1\r\nHost:\r\n\r\n");
  REQUIRE(request.result == Parse::complete);
  CHECK(request.head().authority.empty());
  CHECK(Request("GET / HTTP/1.0\r\n\r\n").result == Parse::complete);
}

TEST_CASE("bytes above ASCII pass in a query as they were received") {
  for (const std::string_view query : {"?q=\xc3\xa4", "?\xe4", "?a=1&b=\xe2\x82\xac&c=%C3%A4", "?\xff\x80?/"}) {
    for (const std::string_view front : {"/s", "/", "http://a/s", "http://a"}) {
      const Request request("GET " + std::string(front) + std::string(query) + " HTTP/1.1\r\nHost: a\r\n\r\n");
      CAPTURE(front, query);
      REQUIRE(request.result == Parse::complete);
      CHECK(request.head().query == query);
      CHECK(request.head().target == std::string(front) + std::string(query));
      const Request shortest("GET " + std::string(front) + std::string(query) + " HTTP/1.0\r\n\r\n");
      CHECK(shortest.result == Parse::complete);
    }
  }
  const Limits limits;
  RequestParser parser;
  CHECK(feed_request(parser, "GET /?\xc3\xa4=\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n", limits).starts_with("complete "));
}

TEST_CASE("an empty port is none") {
  const Request request("GET / HTTP/1.1\r\nHost: a.test:\r\n\r\n");
  REQUIRE(request.result == Parse::complete);
  CHECK(request.head().authority == "a.test:");
  CHECK(Request("GET http://a/ HTTP/1.1\r\nHost: a:\r\n\r\n").result == Parse::complete);
  CHECK(Request("GET http://a:/ HTTP/1.1\r\nHost: a:80\r\n\r\n").result == Parse::complete);
  CHECK(Request("GET http://a:/ HTTP/1.1\r\nHost: a:81\r\n\r\n").refusal_word() == "host-differs");
}

TEST_CASE("versions decide what a connection does") {
  const auto keeps = [](std::string_view version, std::string_view fields) {
    const Request request("GET / " + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    REQUIRE(request.result == Parse::complete);
    return request.head().keep_alive;
  };
  CHECK(keeps("HTTP/1.1", ""));
  CHECK(keeps("HTTP/1.5", ""));
  CHECK_FALSE(keeps("HTTP/1.0", ""));
  CHECK(keeps("HTTP/1.0", "Connection: Keep-Alive\r\n"));
  CHECK_FALSE(keeps("HTTP/1.0", "Connection: keep-alive, close\r\n"));
  CHECK_FALSE(keeps("HTTP/1.1", "Connection: CLOSE\r\n"));
  CHECK_FALSE(keeps("HTTP/1.1", "Connection: close, keep-alive\r\n"));
  CHECK_FALSE(keeps("HTTP/1.1", "Connection: keep-alive\r\nX: 1\r\nConnection: x ,\t close\r\n"));
  CHECK(keeps("HTTP/1.1", "Connection: ,, closed\r\n"));
  CHECK(keeps("HTTP/1.1", "Proxy-Connection: close\r\n"));
  CHECK(Request("GET / HTTP/1.5\r\nHost: a\r\n\r\n").head().minor_version == 1);
  CHECK(Request("GET / HTTP/1.0\r\nHost: a\r\n\r\n").head().minor_version == 0);
}

TEST_CASE("bodies are delimited by length or chunks") {
  const auto head_of = [](std::string_view fields) {
    Request request("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    REQUIRE(request.result == Parse::complete);
    return std::pair{request.head().framing, request.head().content_length};
  };
  CHECK(head_of("") == std::pair{Framing::none, std::uint64_t{0}});
  CHECK(head_of("Content-Length: 0\r\n") == std::pair{Framing::length, std::uint64_t{0}});
  CHECK(head_of("content-length:17 \r\n") == std::pair{Framing::length, std::uint64_t{17}});
  CHECK(head_of("Content-Length: 0017\r\n") == std::pair{Framing::length, std::uint64_t{17}});
  CHECK(head_of("Content-Length: 9223372036854775807\r\n") == std::pair{Framing::length, max_length});
  CHECK(head_of("Transfer-Encoding:\tchunked \r\n") == std::pair{Framing::chunked, std::uint64_t{0}});
  CHECK(head_of("TRANSFER-ENCODING: CHUNKED\r\n") == std::pair{Framing::chunked, std::uint64_t{0}});
}

TEST_CASE("only 1.1 clients can expect to continue") {
  const Request request("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
  REQUIRE(request.result == Parse::complete);
  CHECK(request.head().expect_continue);
  const Request old("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  REQUIRE(old.result == Parse::complete);
  CHECK_FALSE(old.head().expect_continue);
}

TEST_CASE("an upgrade needs the option, the field and 1.1") {
  const auto upgrades = [](std::string_view bytes) {
    const Request request(bytes);
    REQUIRE(request.result == Parse::complete);
    return request.head().connection_upgrade;
  };
  CHECK(upgrades("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n"));
  CHECK_FALSE(upgrades("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n"));
  CHECK_FALSE(upgrades("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"));
  CHECK_FALSE(upgrades("GET / HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"));
}

TEST_CASE("fields that Connection names are marked, before and behind it, in any case") {
  const Request request(
      "GET / HTTP/1.1\r\nHost: a\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nConnection: x-hop, KEEP-ALIVE\r\nUpgrade: h2c\r\n"
      "X-Other: 1\r\nX-HOP: 2\r\nConnection: , upgrade,te\r\nTE: trailers\r\n\r\n");
  REQUIRE(request.result == Parse::complete);
  const RequestHead& head = request.head();
  std::string named;
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    if (head.fields[i].named_by_connection) named.append(head.name(head.fields[i])).append(" ");
  }
  CHECK(named == "X-Hop Keep-Alive Upgrade X-HOP TE ");
}

TEST_CASE("Connection cannot take away what the next hop decides by") {
  for (const std::string_view name : {"Host",
                                      "Content-Length",
                                      "Content-Type",
                                      "Content-Encoding",
                                      "Connection",
                                      "X-Forwarded-For",
                                      "X-Forwarded-Host",
                                      "X-Forwarded-Proto",
                                      "X-Forwarded-Port",
                                      "Forwarded",
                                      "X-Real-IP",
                                      "X-Request-ID",
                                      "Via",
                                      "Authorization",
                                      "Cookie",
                                      "Set-Cookie",
                                      "Cache-Control",
                                      "Date",
                                      "If-None-Match",
                                      "Range",
                                      "Origin",
                                      "Sec-WebSocket-Key",
                                      "Access-Control-Allow-Origin",
                                      "Strict-Transport-Security"}) {
    const std::string field(name);
    const std::string value = name == "Host" ? "a" : name == "Content-Length" ? "3" : "close";
    const std::string host = name == "Host" ? "" : "Host: a\r\n";
    const Request request("POST / HTTP/1.1\r\n" + host + "Connection: x, " + field + "\r\n" + field + ": " + value +
                          "\r\nX: 1\r\n\r\n");
    CAPTURE(name);
    REQUIRE(request.result == Parse::complete);
    const RequestHead& head = request.head();
    for (std::uint16_t i = 0; i < head.field_count; ++i) {
      CHECK(head.fields[i].named_by_connection == (head.name(head.fields[i]) == "X"));
    }
  }
  const Request coded(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n");
  REQUIRE(coded.result == Parse::complete);
  CHECK_FALSE(coded.head().find(FieldId::transfer_encoding)->named_by_connection);
}

TEST_CASE("a parser that is reset remembers nothing") {
  const Limits limits;
  RequestParser parser;
  parser.reset(limits);
  REQUIRE(parser.parse("\r\nPOST http://a/x?y HTTP/1.0\r\nHost: a\r\nContent-Length: 9\r\nConnection: keep-alive, x\r\n"
                       "X: 1\r\nExpect: 100-continue\r\n\r\n") == Parse::complete);
  parser.reset(limits);
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n";
  REQUIRE(parser.parse(bytes) == Parse::complete);
  const Request fresh(bytes);
  CHECK(describe(parser) == describe(fresh.parser));
  parser.reset(limits);
  CHECK(parser.parse("\n") == Parse::refused);
  parser.reset(limits);
  CHECK(parser.refusal().status == 0);
  CHECK(parser.parse(bytes) == Parse::complete);
}

}  // namespace
}  // namespace weir::http::test
