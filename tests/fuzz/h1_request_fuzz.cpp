// Requests: every cut gives the same verdict; what is accepted has one reading, also when it is written again.

#include "core/http/uri.hpp"
#include "tests/fuzz/h1_invariants.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {
namespace {

std::string summary_of(const http::RequestParser& parser) {
  const http::RequestHead& h = parser.head();
  std::string text = summary(h);
  for (const std::string_view part : {h.method_text, h.target, h.path, h.query, h.scheme, h.authority}) {
    text.append("|").append(part);
  }
  text.append(std::to_string(static_cast<int>(h.method))).append(std::to_string(static_cast<int>(h.form)));
  return text.append(h.expect_continue ? "e" : "-").append(std::to_string(parser.skipped()));
}

void check_request(const http::RequestHead& head, std::string_view text) {
  check_head(head, text);
  const std::string line = std::string(head.method_text) + " " + std::string(head.target) + " HTTP/1.";
  WEIR_VERIFY(text.starts_with(line) && head.start_line_end == line.size() + 3);
  WEIR_VERIFY(head.framing != http::Framing::until_close);
  const std::string_view before_query = head.target.substr(0, head.target.find('?'));
  for (const char c : before_query) WEIR_VERIFY(c > 0x20 && c < 0x7f && c != '#');
  for (const char c : head.target) WEIR_VERIFY((c > 0x20 || c < 0) && c != 0x7f && c != '#');
  std::size_t hosts = 0;
  for (std::uint16_t i = 0; i < head.field_count; ++i) hosts += head.fields[i].id == http::FieldId::host;
  WEIR_VERIFY(hosts == 1 || (hosts == 0 && head.minor_version == 0));
  if (!head.authority.empty()) WEIR_VERIFY(http::parse_authority(head.authority).has_value());
  if (head.form == http::TargetForm::origin) {
    WEIR_VERIFY(head.path.starts_with('/') && std::string(head.path) + std::string(head.query) == head.target);
    WEIR_VERIFY(head.authority == head.value_of(http::FieldId::host));
  }
  if (head.form == http::TargetForm::absolute) {
    const std::string path(head.target.size() == head.scheme.size() + 3 + head.authority.size() + head.query.size()
                               ? std::string_view{}
                               : head.path);
    WEIR_VERIFY(std::string(head.scheme) + "://" + std::string(head.authority) + path + std::string(head.query) ==
                head.target);
  }
  WEIR_VERIFY((head.form == http::TargetForm::authority) == (head.method == http::Method::connect));
}

void check_with(std::string_view input, const http::Limits& limits) {
  static http::RequestParser parser;
  parser.reset(limits);
  const std::string whole = feed(parser, input, [&](std::size_t) { return input.size(); }, summary_of);
  if (parser.refusal().status == 0 && whole.starts_with("complete")) {
    const Exact exact(input);
    WEIR_VERIFY(parser.parse(exact.view()) == http::Parse::complete);
    const std::string_view text = exact.view().substr(parser.skipped());
    check_request(parser.head(), text);
    WEIR_VERIFY(parser.head().size <= limits.head && parser.head().field_count <= limits.header_count);
    const std::string again = rewritten(parser.head(), text);
    const http::Framing framing = parser.head().framing;
    const std::uint16_t count = parser.head().field_count;
    const http::Limits wide{1 << 20, 1 << 20, 1 << 20, http::max_fields, 0, 0};
    parser.reset(wide);
    WEIR_VERIFY(parser.parse(again) == http::Parse::complete);
    WEIR_VERIFY(parser.head().framing == framing && parser.head().field_count == count);
    WEIR_VERIFY(parser.head().size == again.size());
  }
  if (input.size() <= 512) {
    parser.reset(limits);
    WEIR_VERIFY(feed(parser, input, [](std::size_t size) { return size + 1; }, summary_of) == whole);
  }
  Rng rng = rng_for(input);
  for (int round = 0; round < 3; ++round) {
    parser.reset(limits);
    WEIR_VERIFY(
        feed(parser, input, [&rng](std::size_t size) { return size + rng.between(1, 64); }, summary_of) == whole);
  }
}

}  // namespace

void h1_request(std::string_view input) {
  check_with(input, http::Limits{});
  check_with(input, http::Limits{24, 32, 120, 3, 0, 0});
}

}  // namespace weir::fuzz
