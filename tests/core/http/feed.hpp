#pragma once
// Feeds a parser the same bytes in every cut and checks that the cut makes no difference. Each call passes a copy at a
// new address that ends where the bytes end, so that a view kept from an earlier call, or a byte read beyond, is seen
// by the address sanitizer.

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/h1_parser.hpp"
#include "tests/support/catch.hpp"

namespace weir::http::test {

class Copy {
 public:
  explicit Copy(std::string_view text) : bytes_(new char[text.size()]), size_(text.size()) {
    if (size_ > 0) std::memcpy(bytes_.get(), text.data(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

// What a parse came to, in a form that can be compared and printed.
inline std::string describe(const Head& head) {
  std::string text;
  const auto add = [&text](std::string_view name, auto value) {
    text.append(name).append("=").append(std::to_string(value)).append(" ");
  };
  add("size", head.size);
  add("line", head.start_line_end);
  add("minor", int{head.minor_version});
  add("framing", static_cast<int>(head.framing));
  add("length", head.content_length);
  add("keep", int{head.keep_alive});
  add("upgrade", int{head.connection_upgrade});
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    const Field& f = head.fields[i];
    text.append("\n").append(head.name(f)).append("=[").append(head.value(f)).append("] ");
    add("id", static_cast<int>(f.id));
    add("end", f.line_end);
    add("named", int{f.named_by_connection});
  }
  return text;
}
inline std::string describe(const RequestParser& parser) {
  const RequestHead& h = parser.head();
  std::string text = describe(static_cast<const Head&>(h));
  for (const std::string_view part : {h.method_text, h.target, h.path, h.query, h.scheme, h.authority}) {
    text.append("\n[").append(part).append("]");
  }
  return text + std::to_string(static_cast<int>(h.method)) + std::to_string(static_cast<int>(h.form)) +
         std::to_string(int{h.expect_continue}) + std::to_string(parser.skipped());
}
inline std::string describe(const ResponseParser& parser) {
  const ResponseHead& h = parser.head();
  return describe(static_cast<const Head&>(h)) + "\n" + std::to_string(h.status) + "[" + std::string(h.reason) + "]" +
         (h.framing_ignored ? "ignored" : "");
}

template <class Parser>
std::string outcome(Parse result, const Parser& parser) {
  if (result == Parse::need_more) return "need_more";
  if (result == Parse::refused) {
    return "refused " + std::to_string(parser.refusal().status) + " " + std::string(parser.refusal().word);
  }
  return "complete " + describe(parser);
}

// Gives `parser` the bytes up to each of `cuts` in turn, then all; the outcome of the call that decided.
template <class Parser>
std::string feed_cut(Parser& parser, std::string_view bytes, const std::vector<std::size_t>& cuts) {
  for (const std::size_t cut : cuts) {
    const Copy part(bytes.substr(0, cut));
    const Parse result = parser.parse(part.view());
    if (result != Parse::need_more) return outcome(result, parser);
  }
  const Copy all(bytes);
  return outcome(parser.parse(all.view()), parser);
}

// Feeds the bytes whole, byte by byte, and in two parts at every position; `start` resets the parser before each.
// Long inputs are cut at a few positions only.
template <class Parser, class Start>
std::string feed_every_way(Parser& parser, std::string_view bytes, Start start) {
  const std::size_t step = bytes.size() > 2000 ? bytes.size() / 97 : 1;
  start(parser);
  const std::string whole = feed_cut(parser, bytes, {});
  std::vector<std::size_t> each;
  for (std::size_t i = 0; i < bytes.size(); i += step) each.push_back(i);
  start(parser);
  CHECK(feed_cut(parser, bytes, each) == whole);
  for (const std::size_t cut : each) {
    start(parser);
    const std::string parted = feed_cut(parser, bytes, {cut});
    if (parted != whole) {
      CAPTURE(cut);
      CHECK(parted == whole);
    }
  }
  return whole;
}

inline std::string feed_request(RequestParser& parser, std::string_view bytes, const Limits& limits) {
  return feed_every_way(parser, bytes, [&limits](RequestParser& p) { p.reset(limits); });
}
inline std::string feed_response(ResponseParser& parser, std::string_view bytes, const Limits& limits,
                                 Method method = Method::get) {
  return feed_every_way(parser, bytes, [&limits, method](ResponseParser& p) { p.reset(limits, method); });
}

// A head that was read in one piece and stays in place.
struct Request {
  explicit Request(std::string_view bytes, const Limits& limits = default_limits()) : text(bytes) {
    parser.reset(limits);
    result = parser.parse(text);
  }
  static const Limits& default_limits() {
    static const Limits limits;
    return limits;
  }
  const RequestHead& head() const { return parser.head(); }
  std::string_view refusal_word() const { return parser.refusal().word; }

  std::string text;
  RequestParser parser;
  Parse result;
};

struct Response {
  explicit Response(std::string_view bytes, Method method = Method::get) : text(bytes) {
    parser.reset(Request::default_limits(), method);
    result = parser.parse(text);
  }
  const ResponseHead& head() const { return parser.head(); }

  std::string text;
  ResponseParser parser;
  Parse result;
};

}  // namespace weir::http::test
