#pragma once
// The header lines of weir's own answers under the edits of listener and route: an edit takes weir's lines out, and
// those of the edits before it, and adds its own behind them. Knows no wire format. Pure; one answer, on its exchange's
// thread; nothing is allocated.

#include <algorithm>
#include <span>
#include <string_view>

#include "core/http/head.hpp"
#include "core/proxy/header_edits.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

// `Sink` has field(name, value). Framing and Connection are not edited: who answers writes them by itself.
template <class Sink>
class AnswerLines {
 public:
  // In the order in which they apply, the more specific ones last; some may be null. The edits outlive this.
  AnswerLines(std::span<const HeaderEdit* const> edits, Sink& sink) noexcept : edits_(edits), sink_(sink) {}

  // A line of weir's own: Server, Date, Content-Type, Location, X-Request-ID.
  void line(std::string_view name, std::string_view value) noexcept {
    if (!taken_out(name, edits_)) sink_.field(name, value);
  }
  // What the edits set and add; once, behind weir's own lines.
  void add_edits() noexcept {
    for (std::size_t i = 0; i < edits_.size(); ++i) {
      HeaderEdits(edits_[i]).each_line([&](std::string_view name, std::string_view value) noexcept {
        if (!taken_out(name, edits_.subspan(i + 1))) sink_.field(name, value);
      });
    }
  }

 private:
  static bool taken_out(std::string_view name, std::span<const HeaderEdit* const> edits) noexcept {
    const http::FieldId id = http::field_id(name);
    return std::any_of(edits.begin(), edits.end(),
                       [&](const HeaderEdit* edit) noexcept { return HeaderEdits(edit).take_out(id, name); });
  }

  std::span<const HeaderEdit* const> edits_;
  Sink& sink_;
};

}  // namespace weir::proxy
