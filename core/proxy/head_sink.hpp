#pragma once
// What an encoder of heads offers to the policy that decides about them (head_policy.hpp). An encoder is a template
// parameter: its calls are inlined, so that none of them costs HTTP/1 what only another protocol needs. Pure.

#include <concepts>
#include <string_view>

#include "core/http/head.hpp"

namespace weir::proxy {

// The name of a line that weir writes, laid out as HTTP/1 has it: "Via: ".
class LineName {
 public:
  consteval explicit LineName(std::string_view with_colon) : text_(with_colon) {
    if (!with_colon.ends_with(": ")) throw "a name is followed by a colon and a space";
  }
  constexpr std::string_view text() const noexcept { return text_; }
  constexpr std::string_view name() const noexcept { return text_.substr(0, text_.size() - 2); }

 private:
  std::string_view text_;
};

// A whole line that is always the same, laid out as HTTP/1 has it: "TE: trailers\r\n".
class FixedLine {
 public:
  consteval explicit FixedLine(std::string_view line) : text_(line), colon_(line.find(": ")) {
    if (colon_ == line.npos || !line.ends_with("\r\n")) throw "a line is a name, a colon, a space, a value, CR and LF";
  }
  constexpr std::string_view text() const noexcept { return text_; }
  constexpr std::string_view name() const noexcept { return text_.substr(0, colon_); }
  constexpr std::string_view value() const noexcept { return text_.substr(colon_ + 2, text_.size() - colon_ - 4); }

 private:
  std::string_view text_;
  std::size_t colon_;
};

// Every received line is passed or dropped once, in their order; what weir adds comes behind them.
template <class Sink>
concept HeadSink = requires(Sink& sink, const http::Field& field, LineName name, FixedLine line,
                            std::string_view text) {
  sink.pass(field);  // goes on as it was received
  sink.drop(field);
  { sink.keeps_host() }
  noexcept->std::same_as<bool>;  // whether a received Host goes on
  { sink.keeps_framing(field) }
  noexcept->std::same_as<bool>;  // Content-Length, Transfer-Encoding, Trailer
  sink.line(line);
  sink.line(name, text);
  sink.line(text, text);  // name and value, as a route writes them
  sink.begin(name);       // a value of several parts
  sink.part(text);
  sink.end();
};

}  // namespace weir::proxy
