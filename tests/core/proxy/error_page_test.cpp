// weir's own error answers: which kind, and what is in them.

#include "core/proxy/error_page.hpp"

#include <array>
#include <string>

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

std::string page(PageKind kind, const ErrorPage& error) {
  std::array<char, max_error_page> out;
  const std::size_t size = write_error_page(kind, error, out.data());
  REQUIRE(size <= out.size());
  return std::string(out.data(), size);
}

TEST_CASE("The kind of an error page follows Accept") {
  const auto text = PageKind::text;
  const auto html = PageKind::html;
  const auto problem = PageKind::problem_json;
  CHECK(choose_page("") == text);
  CHECK(choose_page("*/*") == text);
  CHECK(choose_page("text/html") == html);
  CHECK(choose_page("TEXT/HTML ; level=1") == html);
  CHECK(choose_page("application/json") == problem);
  CHECK(choose_page("application/problem+json") == problem);
  CHECK(choose_page("application/*") == problem);
  CHECK(choose_page("text/*") == text);
  CHECK(choose_page("image/png") == text);
  CHECK(choose_page("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8") == html);
  CHECK(choose_page("application/json, text/plain, */*") == problem);
  CHECK(choose_page("text/plain, application/json") == text);
  CHECK(choose_page("text/html;q=0.5, application/json;q=0.6") == problem);
  CHECK(choose_page("text/html;q=0.5, application/json;Q=0.4") == html);
  CHECK(choose_page("text/html;q=0.001, text/plain;q=0") == html);
  CHECK(choose_page("*/*, text/plain;q=0.1") == html);
  CHECK(choose_page("text/plain;q=0, text/html;q=0, application/json;q=0") == text);
  CHECK(choose_page("application/json;q=0, application/problem+json;q=0.2") == problem);
  CHECK(choose_page(", ,;,text/html;;q=;,") == html);
}

TEST_CASE("A quality that is none counts as 1") {
  CHECK(choose_page("text/html;q=x, application/json;q=0.9") == PageKind::html);
  CHECK(choose_page("text/html;q=1.5, application/json;q=1") == PageKind::html);
  CHECK(choose_page("text/html;q=0.99999, application/json;q=1.000") == PageKind::problem_json);
}

TEST_CASE("Content types name their charset where they have one") {
  CHECK(content_type(PageKind::text) == "text/plain; charset=utf-8");
  CHECK(content_type(PageKind::html) == "text/html; charset=utf-8");
  CHECK(content_type(PageKind::problem_json) == "application/problem+json");
}

TEST_CASE("The text page") {
  CHECK(page(PageKind::text, {504, "The upstream did not answer in time.", "0af3"}) ==
        "504 Gateway Timeout\n\nThe upstream did not answer in time.\n\nRequest ID: 0af3\n");
  CHECK(page(PageKind::text, {404, "", ""}) == "404 Not Found\n");
}

TEST_CASE("The problem page is RFC 9457 JSON") {
  CHECK(page(PageKind::problem_json, {502, "It \"broke\".", "a\\b"}) ==
        "{\"type\":\"about:blank\",\"title\":\"Bad Gateway\",\"status\":502,\"detail\":\"It \\\"broke\\\".\","
        "\"request_id\":\"a\\\\b\"}\n");
  CHECK(page(PageKind::problem_json, {413, "", ""}) ==
        "{\"type\":\"about:blank\",\"title\":\"Content Too Large\",\"status\":413}\n");
}

TEST_CASE("The HTML page escapes what it is given") {
  const std::string text = page(PageKind::html, {503, "a < b & \"c\"", "<script>'x'</script>"});
  CHECK(text.starts_with("<!doctype html>\n<html lang=\"en\">"));
  CHECK(text.find("<title>503 Service Unavailable</title>") != std::string::npos);
  CHECK(text.find("<p>a &lt; b &amp; &quot;c&quot;</p>") != std::string::npos);
  CHECK(text.find("Request ID: &lt;script&gt;&#39;x&#39;&lt;/script&gt;<") != std::string::npos);
  CHECK(text.ends_with("</body>\n</html>\n"));
}

TEST_CASE("Controls do not get into a page") {
  for (const PageKind kind : {PageKind::text, PageKind::html, PageKind::problem_json}) {
    const std::string text = page(kind, {500, "a\rb", std::string_view("c\0d\x1b", 4)});
    CHECK(text.find("a?b") != std::string::npos);
    CHECK(text.find("c?d?") != std::string::npos);
  }
}

TEST_CASE("A page is never longer than its limit, and never broken off") {
  for (const std::string_view unit : {"x", "\"", "<", "\\", "'"}) {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += unit;
    const ErrorPage error{511, text, text};
    CHECK(page(PageKind::text, error).ends_with("\n"));
    CHECK(page(PageKind::html, error).ends_with("</small></p>\n</body>\n</html>\n"));
    CHECK(page(PageKind::problem_json, error).ends_with("\"}\n"));
  }
}

TEST_CASE("Every status has a sentence") {
  for (std::uint16_t status = 400; status < 600; ++status) CHECK(default_detail(status).ends_with("."));
  CHECK(default_detail(504) == "The upstream did not answer in time.");
}

TEST_CASE("An HTTP date is written as RFC 9110 says") {
  const auto date = [](std::int64_t seconds) {
    std::array<char, http_date_size> out;
    write_http_date({seconds * 1'000'000'000}, out.data());
    return std::string(out.data(), out.size());
  };
  CHECK(date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(date(1795402800) == "Mon, 23 Nov 2026 03:00:00 GMT");
  CHECK(date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(date(951782399) == "Mon, 28 Feb 2000 23:59:59 GMT");
  CHECK(date(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(date(1709251199) == "Thu, 29 Feb 2024 23:59:59 GMT");
  CHECK(date(4107542400) == "Mon, 01 Mar 2100 00:00:00 GMT");
  CHECK(date(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
}

}  // namespace
}  // namespace weir::proxy::test
