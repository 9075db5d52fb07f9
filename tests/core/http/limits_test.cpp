// Limits: what lies exactly on one passes, one byte more is refused, however the bytes are cut.

#include "tests/core/http/feed.hpp"

namespace weir::http::test {
namespace {

std::string request_with(std::size_t target_size, std::string_view fields) {
  return "GET /" + std::string(target_size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

TEST_CASE("a request line on the limit passes and one over it is 414") {
  Limits limits;
  limits.request_line = 40;  // "GET " target " HTTP/1.1" leaves 27 for the target
  RequestParser parser;
  CHECK(feed_request(parser, request_with(27, ""), limits).starts_with("complete "));
  CHECK(feed_request(parser, request_with(28, ""), limits) == "refused 414 request-line-too-long");
  CHECK(feed_request(parser, request_with(200, ""), limits) == "refused 414 request-line-too-long");
  CHECK(feed_request(parser, std::string(41, 'G'), limits) == "need_more");  // the last may be a CR
  CHECK(feed_request(parser, std::string(42, 'G'), limits) == "refused 414 request-line-too-long");
}

TEST_CASE("a header line on the limit passes and one over it is 431") {
  Limits limits;
  limits.header_line = 40;
  RequestParser parser;
  CHECK(feed_request(parser, request_with(100, "Name: " + std::string(34, 'v') + "\r\n"), limits)
            .starts_with("complete "));
  CHECK(feed_request(parser, request_with(100, "Name: " + std::string(35, 'v') + "\r\n"), limits) ==
        "refused 431 header-line-too-long");
  CHECK(feed_request(parser, request_with(100, std::string(42, 'n')), limits) == "refused 431 header-line-too-long");
}

TEST_CASE("a head on the limit passes and one over it is 431") {
  RequestParser parser;
  const std::string bytes = request_with(5, "A: 1\r\nB: 2\r\n");
  Limits limits;
  limits.head = bytes.size();
  CHECK(feed_request(parser, bytes, limits).starts_with("complete "));
  CHECK(feed_request(parser, bytes + "more than a head", limits).starts_with("complete "));
  CHECK(feed_request(parser, "\r\n" + bytes, limits).starts_with("complete "));  // the empty line is not of the head
  for (std::size_t less = 1; less < bytes.size(); ++less) {
    limits.head = bytes.size() - less;
    CAPTURE(less);
    CHECK(feed_request(parser, bytes, limits) == "refused 431 head-too-long");
  }
}

TEST_CASE("as many fields as the limit pass and one more is 431") {
  Limits limits;
  limits.header_count = 4;  // with Host
  RequestParser parser;
  CHECK(feed_request(parser, request_with(1, "A: 1\r\nB: 2\r\nC: 3\r\n"), limits).starts_with("complete "));
  CHECK(feed_request(parser, request_with(1, "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n"), limits) ==
        "refused 431 too-many-fields");
}

TEST_CASE("no limit lets a head have more fields than it has room for") {
  Limits limits;
  limits.header_count = 1000;
  std::string fields;
  for (int i = 1; i < max_fields; ++i) fields += "A: 1\r\n";
  RequestParser parser;
  CHECK(feed_request(parser, request_with(1, fields), limits).starts_with("complete "));
  CHECK(feed_request(parser, request_with(1, fields + "A: 1\r\n"), limits) == "refused 431 too-many-fields");
}

TEST_CASE("which of several limits refuses does not depend on the cut") {
  RequestParser parser;
  for (std::size_t line = 20; line < 60; line += 3) {
    for (std::size_t head = 20; head < 120; head += 7) {
      Limits limits;
      limits.request_line = line;
      limits.header_line = line;
      limits.head = head;
      CAPTURE(line, head);
      CHECK(
          feed_request(parser, request_with(30, "A: " + std::string(50, 'x') + "\n"), limits).starts_with("refused 4"));
    }
  }
}

TEST_CASE("a name longer than its size can be written down is refused") {
  Limits limits;
  limits.header_line = limits.head = 100'000;
  RequestParser parser;
  CHECK(feed_request(parser, request_with(1, std::string(65'535, 'n') + ": 1\r\n"), limits).starts_with("complete "));
  CHECK(feed_request(parser, request_with(1, std::string(65'536, 'n') + ": 1\r\n"), limits) == "refused 400 bad-name");
}

}  // namespace
}  // namespace weir::http::test
