#pragma once
// Parsed heads and what the writers make of them, for the tests of core/proxy.

#include <string>
#include <string_view>

#include "core/base/buffer.hpp"
#include "core/http/h1_parser.hpp"
#include "core/http/h1_writer.hpp"
#include "core/proxy/h1/head_writer.hpp"
#include "tests/support/catch.hpp"

namespace weir::proxy::test {

// A head of the given lines, each without its CRLF; the empty line is added.
inline std::string lines(std::initializer_list<std::string_view> list) {
  std::string text;
  for (const std::string_view line : list) text.append(line).append("\r\n");
  return text.append("\r\n");
}

class Request {
 public:
  explicit Request(std::string text) : text_(std::move(text)) {
    parser_.reset(limits_);
    const http::Parse parsed = parser_.parse(text_);
    INFO(text_ << parser_.refusal().word);
    REQUIRE(parsed == http::Parse::complete);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  const http::RequestHead& head() const { return parser_.head(); }

 private:
  http::Limits limits_;
  std::string text_;
  http::RequestParser parser_;
};

class Response {
 public:
  explicit Response(std::string text, http::Method method = http::Method::get) : text_(std::move(text)) {
    parser_.reset(limits_, method);
    const http::Parse parsed = parser_.parse(text_);
    INFO(text_ << parser_.refusal().word);
    REQUIRE(parsed == http::Parse::complete);
  }
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;
  const http::ResponseHead& head() const { return parser_.head(); }

 private:
  http::Limits limits_;
  std::string text_;
  http::ResponseParser parser_;
};

inline std::string text_of(const http::SliceWriter& out) {
  std::string text;
  for (const IoSlice& slice : out.slices()) text.append(slice.data, slice.size);
  CHECK(text.size() == out.size());
  CHECK_FALSE(out.overflowed());
  return text;
}

inline Address ip(std::string_view text, std::uint16_t port = 50000) {
  Address address = parse_ip(text).value();
  address.port = port;
  return address;
}

inline AddressBlock block(std::string_view text) { return parse_block(text).value(); }

}  // namespace weir::proxy::test
