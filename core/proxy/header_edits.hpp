#pragma once
// What the header edits of a route and its listener do to one head: which lines they take out, received ones and weir's
// own, and which they put behind all others. Knows no wire format. Pure; one head, on its exchange's thread.

#include <algorithm>
#include <span>
#include <string_view>

#include "core/http/head.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

// Fields that belong to a connection or delimit the message; a route cannot edit them.
constexpr bool is_editable(http::FieldId id) noexcept {
  switch (id) {
    case http::FieldId::connection:
    case http::FieldId::content_length:
    case http::FieldId::host:
    case http::FieldId::keep_alive:
    case http::FieldId::proxy_connection:
    case http::FieldId::te:
    case http::FieldId::trailer:
    case http::FieldId::transfer_encoding:
    case http::FieldId::upgrade: return false;
    default: return true;
  }
}

// An edit as it applies to one head: its names, and the values of its lines as they are sent. Views alone, into the
// configuration and into what the exchange has expanded.
struct AppliedEdit {
  AppliedEdit() noexcept = default;
  // `sent`: a value for each line, set before add; none: those of the lines.
  explicit AppliedEdit(const HeaderEdit* names, std::span<const std::string_view> sent = {}) noexcept
      : edit(names && !names->empty() ? names : nullptr), values(sent) {}

  const HeaderEdit* edit = nullptr;  // null: nothing is edited
  std::span<const std::string_view> values;

  bool empty() const noexcept { return edit == nullptr; }
  bool names(std::string_view name) const noexcept {
    if (empty()) return false;
    const auto is_it = [&](std::string_view other) noexcept { return http::equal_ignoring_case(other, name); };
    return std::any_of(edit->remove.begin(), edit->remove.end(), is_it) ||
           std::any_of(edit->set.begin(), edit->set.end(), [&](const HeaderEdit::Line& line) { return is_it(line.name); });
  }
  // Calls line(name, value) for each line that is set or added.
  template <class Line>
  void each_line(Line&& line) const noexcept {
    if (empty()) return;
    std::size_t index = 0;
    for (const auto* list : {&edit->set, &edit->add}) {
      for (const HeaderEdit::Line& one : *list) {
        line(std::string_view(one.name), values.empty() ? std::string_view(one.value) : values[index]);
        ++index;
      }
    }
  }
};

// Several edits of one head, in the order in which they apply, the more specific ones last: a later one takes out what
// an earlier one has put in.
class HeaderEdits {
 public:
  HeaderEdits() noexcept = default;
  explicit HeaderEdits(std::span<const AppliedEdit> edits) noexcept : edits_(edits) {}

  bool take_out(http::FieldId id, std::string_view name) const noexcept {
    return !edits_.empty() && is_editable(id) && named(edits_, name);
  }
  bool take_out(std::string_view name) const noexcept { return !edits_.empty() && named(edits_, name); }

  // Calls line(name, value) for each line that the edits set or add.
  template <class Line>
  void each_line(Line&& line) const noexcept {
    for (std::size_t i = 0; i < edits_.size(); ++i) {
      edits_[i].each_line([&](std::string_view name, std::string_view value) noexcept {
        if (is_editable(http::field_id(name)) && !named(edits_.subspan(i + 1), name)) line(name, value);
      });
    }
  }

  // What Host is set to, which a request may be given; or empty.
  std::string_view host() const noexcept {
    std::string_view found;
    for (const AppliedEdit& edit : edits_) {
      if (edit.empty()) continue;
      std::size_t left = edit.edit->set.size();  // the lines that are added come behind them
      edit.each_line([&](std::string_view name, std::string_view value) noexcept {
        if (left == 0) return;
        --left;
        if (http::equal_ignoring_case(name, "host")) found = value;
      });
    }
    return found;
  }

 private:
  static bool named(std::span<const AppliedEdit> edits, std::string_view name) noexcept {
    return std::any_of(edits.begin(), edits.end(), [&](const AppliedEdit& edit) noexcept { return edit.names(name); });
  }

  std::span<const AppliedEdit> edits_;
};

}  // namespace weir::proxy
