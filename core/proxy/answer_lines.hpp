#pragma once
// The header lines of weir's own answers under the edits of listener and route: an edit takes weir's lines out, and
// those of the edits before it, and adds its own behind them. Knows no wire format. Pure; one answer, on its exchange's
// thread; nothing is allocated.

#include <span>
#include <string_view>

#include "core/http/head.hpp"
#include "core/proxy/header_edits.hpp"

namespace weir::proxy {

// `Sink` has field(name, value). Framing and Connection are not edited: who answers writes them by itself.
template <class Sink>
class AnswerLines {
 public:
  // What the edits refer to outlives this.
  AnswerLines(std::span<const AppliedEdit> edits, Sink& sink) noexcept : edits_(edits), sink_(sink) {}

  // A line of weir's own: Server, Date, Content-Type, Location, X-Request-ID.
  void line(std::string_view name, std::string_view value) noexcept {
    if (!edits_.take_out(http::field_id(name), name)) sink_.field(name, value);
  }
  // What the edits set and add; once, behind weir's own lines.
  void add_edits() noexcept {
    edits_.each_line([this](std::string_view name, std::string_view value) noexcept { sink_.field(name, value); });
  }

 private:
  HeaderEdits edits_;
  Sink& sink_;
};

}  // namespace weir::proxy
