// Response heads: what is read, how the body is delimited, and what an upstream is refused for.

#include "tests/core/http/feed.hpp"

namespace weir::http::test {
namespace {

using namespace std::string_view_literals;

TEST_CASE("a typical response is taken apart") {
  const Response response("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nServer: x\r\n\r\nabcde");
  REQUIRE(response.result == Parse::complete);
  const ResponseHead& head = response.head();
  CHECK(head.status == 404);
  CHECK(head.reason == "Not Found");
  CHECK(head.framing == Framing::length);
  CHECK(head.content_length == 5);
  CHECK(head.keep_alive);
  CHECK(head.field_count == 2);
  CHECK(head.size == response.text.size() - 5);
  CHECK(head.start_line_end == 24);
}

TEST_CASE("a status line may do without reason and without the space before it") {
  for (const auto& [line, reason] :
       {std::pair{"HTTP/1.1 200 OK", "OK"}, std::pair{"HTTP/1.1 200 ", ""}, std::pair{"HTTP/1.1 200", ""},
        std::pair{"HTTP/1.0 999 \xc3\xa4 \t!", "\xc3\xa4 \t!"}, std::pair{"HTTP/1.2 100  x", " x"}}) {
    const Response response(std::string(line) + "\r\n\r\n");
    CAPTURE(line);
    REQUIRE(response.result == Parse::complete);
    CHECK(response.head().reason == reason);
    CHECK(response.head().size == response.text.size());
  }
}

TEST_CASE("status and request method decide how a body is delimited") {
  struct Case {
    int status;
    Method method;
    std::string_view fields;
    Framing framing;
  };
  const Case cases[] = {
      {200, Method::get, "Content-Length: 5\r\n", Framing::length},
      {200, Method::get, "Content-Length: 0\r\n", Framing::length},
      {200, Method::get, "Transfer-Encoding: chunked\r\n", Framing::chunked},
      {200, Method::get, "", Framing::until_close},
      {200, Method::head, "Content-Length: 5\r\n", Framing::none},
      {200, Method::head, "Transfer-Encoding: chunked\r\n", Framing::none},
      {200, Method::head, "", Framing::none},
      {304, Method::get, "Content-Length: 5\r\n", Framing::none},
      {304, Method::get, "", Framing::none},
      {204, Method::get, "", Framing::none},
      {204, Method::get, "Content-Length: 0\r\n", Framing::none},
      {100, Method::post, "", Framing::none},
      {101, Method::get, "Upgrade: x\r\nConnection: upgrade\r\n", Framing::none},
      {103, Method::get, "Link: x\r\n", Framing::none},
      {200, Method::connect, "", Framing::none},
      {299, Method::connect, "Content-Length: 5\r\n", Framing::none},
      {407, Method::connect, "Content-Length: 5\r\n", Framing::length},
      {404, Method::connect, "", Framing::until_close},
      {205, Method::get, "Content-Length: 0\r\n", Framing::length},
      {500, Method::put, "", Framing::until_close},
  };
  for (const Case& c : cases) {
    const Response response("HTTP/1.1 " + std::to_string(c.status) + " x\r\n" + std::string(c.fields) + "\r\n",
                            c.method);
    CAPTURE(c.status, c.fields);
    REQUIRE(response.result == Parse::complete);
    CHECK(response.head().framing == c.framing);
  }
}

TEST_CASE("a response keeps its connection by version and Connection") {
  CHECK(Response("HTTP/1.1 200 x\r\n\r\n").head().keep_alive);
  CHECK_FALSE(Response("HTTP/1.1 200 x\r\nConnection: close\r\n\r\n").head().keep_alive);
  CHECK_FALSE(Response("HTTP/1.0 200 x\r\n\r\n").head().keep_alive);
  CHECK(Response("HTTP/1.0 200 x\r\nConnection: keep-alive\r\n\r\n").head().keep_alive);
  CHECK(Response("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").head().connection_upgrade);
}

TEST_CASE("a 1xx, 204 or 304 ends at its head whatever its framing fields say, and its connection is not reused") {
  struct Case {
    int status;
    std::string_view fields;
    bool ignored;
  };
  const Case cases[] = {
      {204, "Transfer-Encoding: chunked\r\n", true},
      {204, "Content-Length: 3\r\n", true},
      {204, "Content-Length: 0\r\n", false},
      {204, "Content-Length: 0\r\nContent-Length: 0\r\n", true},
      {204, "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", true},
      {204, "Transfer-Encoding: gzip\r\n", true},
      {204, "Content-Length: x\r\n", true},
      {204, "Content-Length: 9223372036854775808\r\n", true},
      {100, "Transfer-Encoding: chunked\r\n", true},
      {100, "Content-Length: 3\r\n", true},
      {100, "Content-Length: 0\r\n", false},
      {103, "Content-Length: 3\r\n", true},
      {101, "Content-Length: 3\r\nUpgrade: x\r\nConnection: upgrade\r\n", true},
      {304, "Content-Length: 3\r\n", false},
      {304, "Transfer-Encoding: chunked\r\n", true},
      {304, "Content-Length: 3\r\nContent-Length: 4\r\n", true},
      {304, "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", true},
      {304, "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", true},
      {304, "Content-Length: 3,3\r\n", true},
  };
  for (const Case& c : cases) {
    for (const std::string_view body : {"", "abc", "3\r\nabc\r\n0\r\n\r\n"}) {
      const std::string head = "HTTP/1.1 " + std::to_string(c.status) + " x\r\n" + std::string(c.fields) + "\r\n";
      const Response response(head + std::string(body));
      CAPTURE(c.status, c.fields, body);
      REQUIRE(response.result == Parse::complete);
      CHECK(response.head().size == head.size());
      CHECK(response.head().framing == Framing::none);
      CHECK(response.head().framing_ignored == c.ignored);
      CHECK(response.head().keep_alive == !c.ignored);
      if (c.ignored) CHECK(response.head().content_length == 0);
    }
  }
  CHECK(Response("HTTP/1.1 304 x\r\nContent-Length: 3\r\n\r\n").head().content_length == 3);
}

TEST_CASE("a parser that ignored the framing fields of one response reads those of the next") {
  const Limits limits;
  ResponseParser parser;
  parser.reset(limits, Method::get);
  REQUIRE(parser.parse("HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n") == Parse::complete);
  REQUIRE(parser.head().framing_ignored);
  parser.reset(limits, Method::get);
  REQUIRE(parser.parse("HTTP/1.1 200 x\r\nContent-Length: 3\r\n\r\n") == Parse::complete);
  CHECK_FALSE(parser.head().framing_ignored);
  CHECK(parser.head().keep_alive);
  CHECK(parser.head().framing == Framing::length);
}

struct Vector {
  const char* name;
  std::string_view bytes;
  std::string_view word;
};

const Vector vectors[] = {
    {"both length and coding", "HTTP/1.1 200 x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
     "length-and-coding"},
    {"two lengths", "HTTP/1.1 200 x\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n", "two-lengths"},
    {"a malformed length", "HTTP/1.1 200 x\r\nContent-Length: -1\r\n\r\n", "bad-length"},
    {"a list of lengths", "HTTP/1.1 200 x\r\nContent-Length: 4,4\r\n\r\n", "bad-length"},
    {"a length of 2^63", "HTTP/1.1 200 x\r\nContent-Length: 9223372036854775808\r\n\r\n", "length-overflow"},
    {"a length beyond 64 bits", "HTTP/1.1 200 x\r\nContent-Length: 18446744073709551616\r\n\r\n", "length-overflow"},
    {"an unknown coding", "HTTP/1.1 200 x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "unknown-coding"},
    {"chunked not final", "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "chunked-not-final"},
    {"chunked twice", "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "chunked-twice"},
    {"a coding on HTTP/1.0", "HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", "coding-on-http-1.0"},
    {"LF behind the status line", "HTTP/1.1 200 x\nA: b\r\n\r\n", "bare-lf"},
    {"LF behind a field", "HTTP/1.1 200 x\r\nA: b\n\r\n", "bare-lf"},
    {"CR in a value", "HTTP/1.1 200 x\r\nA: b\rc\r\n\r\n", "bare-cr"},
    {"CR in the reason", "HTTP/1.1 200 x\ry\r\n\r\n", "bare-cr"},
    {"NUL in a value", "HTTP/1.1 200 x\r\nA: b\0c\r\n\r\n"sv, "nul"},
    {"NUL in the reason", "HTTP/1.1 200 x\0\r\n\r\n"sv, "nul"},
    {"a control character in the reason", "HTTP/1.1 200 x\x1b[1m\r\n\r\n", "bad-reason"},
    {"a folded value", "HTTP/1.1 200 x\r\nA: b\r\n c\r\n\r\n", "obs-fold"},
    {"a space before the first field", "HTTP/1.1 200 x\r\n A: b\r\n\r\n", "space-before-fields"},
    {"a space before the colon", "HTTP/1.1 200 x\r\nA : b\r\n\r\n", "space-before-colon"},
    {"an empty name", "HTTP/1.1 200 x\r\n: b\r\n\r\n", "empty-name"},
    {"a bad name", "HTTP/1.1 200 x\r\nA(B: b\r\n\r\n", "bad-name"},
    {"no colon", "HTTP/1.1 200 x\r\nA\r\n\r\n", "no-colon"},
    {"an empty line in front", "\r\nHTTP/1.1 200 x\r\n\r\n", "bad-version"},
    {"no version", "200 OK\r\n\r\n", "bad-version"},
    {"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", "unsupported-version"},
    {"HTTP/2", "HTTP/2 200\r\n\r\n", "bad-version"},
    {"lower-case http", "http/1.1 200 OK\r\n\r\n", "bad-version"},
    {"another protocol", "ICY 200 OK\r\n\r\n", "bad-version"},
    {"two digits", "HTTP/1.1 20 OK\r\n\r\n", "bad-status"},
    {"four digits", "HTTP/1.1 2000 OK\r\n\r\n", "bad-status"},
    {"a letter as digit", "HTTP/1.1 2x0 OK\r\n\r\n", "bad-status"},
    {"a status below 100", "HTTP/1.1 099 OK\r\n\r\n", "bad-status"},
    {"a negative status", "HTTP/1.1 -20 OK\r\n\r\n", "bad-status"},
    {"two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n", "bad-status"},
    {"a tab before the status", "HTTP/1.1\t200 OK\r\n\r\n", "bad-status"},
    {"a tab behind the status", "HTTP/1.1 200\tOK\r\n\r\n", "bad-status"},
    {"no status", "HTTP/1.1\r\n\r\n", "bad-status"},
    {"a bad Connection", "HTTP/1.1 200 x\r\nConnection: a b\r\n\r\n", "bad-connection"},
};

TEST_CASE("every malformed response is refused with 502 however its bytes are cut") {
  const Limits limits;
  ResponseParser parser;
  for (const Vector& v : vectors) {
    CAPTURE(v.name);
    CHECK(feed_response(parser, v.bytes, limits) == "refused 502 " + std::string(v.word));
  }
}

TEST_CASE("well-formed responses are read the same however their bytes are cut") {
  const Limits limits;
  ResponseParser parser;
  for (const std::string_view bytes :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nabcde"sv, "HTTP/1.1 200\r\n\r\n"sv,
        "HTTP/1.1 204 x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
        "HTTP/1.0 304 Not Modified\r\nETag: \"a\"\r\nConnection: keep-alive\r\n\r\n"sv,
        "HTTP/1.1 200 OK\r\nX: 1\r\nConnection: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv}) {
    CAPTURE(bytes);
    CHECK(feed_response(parser, bytes, limits).starts_with("complete "));
  }
}

TEST_CASE("responses behind each other are read one by one") {
  const std::string first = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string second = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  const std::string bytes = first + second + "x";
  const Limits limits;
  ResponseParser parser;
  parser.reset(limits, Method::post);
  REQUIRE(parser.parse(bytes) == Parse::complete);
  CHECK(parser.head().status == 100);
  CHECK(parser.head().size == first.size());
  parser.reset(limits, Method::post);
  REQUIRE(parser.parse(std::string_view(bytes).substr(first.size())) == Parse::complete);
  CHECK(parser.head().status == 200);
  CHECK(parser.head().reason == "OK");
  CHECK(parser.head().size == second.size());
}

TEST_CASE("limits refuse a response with 502, too") {
  Limits limits;
  limits.header_line = 20;
  limits.header_count = 2;
  ResponseParser parser;
  CHECK(feed_response(parser, "HTTP/1.1 200 OK\r\nA: " + std::string(20, 'x') + "\r\n\r\n", limits) ==
        "refused 502 header-line-too-long");
  CHECK(feed_response(parser, "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits) ==
        "refused 502 too-many-fields");
}

}  // namespace
}  // namespace weir::http::test
