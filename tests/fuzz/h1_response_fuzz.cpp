// Responses: every cut gives the same verdict; what is accepted is framed by status and method, and has one reading.

#include "tests/fuzz/h1_invariants.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {
namespace {

std::string summary_of(const http::ResponseParser& parser) {
  const http::ResponseHead& h = parser.head();
  return summary(h) + std::to_string(h.status) + "|" + std::string(h.reason) + (h.framing_ignored ? "i" : "-");
}

void check_response(const http::ResponseHead& head, http::Method method, std::string_view text) {
  check_head(head, text, head.framing_ignored);
  WEIR_VERIFY(text.substr(0, 7) == "HTTP/1." && text.substr(9, 3) == std::to_string(head.status));
  WEIR_VERIFY(head.status >= 100 && head.status <= 999);
  const std::string_view line = text.substr(0, head.start_line_end - 2);
  WEIR_VERIFY(line.size() == 12 ? head.reason.empty() : line.substr(13) == head.reason);
  const bool bodiless = head.status < 200 || head.status == 204 || head.status == 304 || method == http::Method::head ||
                        (method == http::Method::connect && head.status < 300);
  WEIR_VERIFY(bodiless == (head.framing == http::Framing::none));
  const bool never_body = head.status < 200 || head.status == 204 || head.status == 304;
  WEIR_VERIFY(never_body || !head.framing_ignored);
  WEIR_VERIFY(!head.framing_ignored || (head.content_length == 0 && !head.keep_alive));
  if (never_body && head.find(http::FieldId::transfer_encoding)) WEIR_VERIFY(head.framing_ignored);
  if (head.status < 200 || head.status == 204) WEIR_VERIFY(head.content_length == 0);
}

void check_with(std::string_view input, const http::Limits& limits, http::Method method) {
  static http::ResponseParser parser;
  parser.reset(limits, method);
  const std::string whole = feed(parser, input, [&](std::size_t) { return input.size(); }, summary_of);
  WEIR_VERIFY(parser.refusal().status == 0 || parser.refusal().status == 502);
  if (whole.starts_with("complete")) {
    const Exact exact(input);
    WEIR_VERIFY(parser.parse(exact.view()) == http::Parse::complete);
    check_response(parser.head(), method, exact.view());
    const std::string again = rewritten(parser.head(), exact.view());
    const http::Framing framing = parser.head().framing;
    const http::Limits wide{1 << 20, 1 << 20, 1 << 20, http::max_fields, 0, 0};
    parser.reset(wide, method);
    WEIR_VERIFY(parser.parse(again) == http::Parse::complete);
    WEIR_VERIFY(parser.head().framing == framing && parser.head().size == again.size());
  }
  if (input.size() <= 512) {
    parser.reset(limits, method);
    WEIR_VERIFY(feed(parser, input, [](std::size_t size) { return size + 1; }, summary_of) == whole);
  }
  Rng rng = rng_for(input);
  parser.reset(limits, method);
  WEIR_VERIFY(feed(parser, input, [&rng](std::size_t size) { return size + rng.between(1, 64); }, summary_of) == whole);
}

}  // namespace

void h1_response(std::string_view input) {
  for (const http::Method method : {http::Method::get, http::Method::head, http::Method::connect}) {
    check_with(input, http::Limits{}, method);
  }
  check_with(input, http::Limits{24, 32, 120, 3, 0, 0}, http::Method::get);
}

}  // namespace weir::fuzz
