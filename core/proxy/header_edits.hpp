#pragma once
// What a route's header edits do to one head: which lines they take out, received ones and weir's own, and which they
// put behind all others. Knows no wire format. Pure; one head, on its exchange's thread.

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

class HeaderEdits {
 public:
  explicit HeaderEdits(const HeaderEdit* edit) noexcept : edit_(edit && !edit->empty() ? edit : nullptr) {}

  bool take_out(http::FieldId id, std::string_view name) const noexcept {
    return edit_ && is_editable(id) && names(name);
  }
  bool take_out(std::string_view name) const noexcept { return edit_ && names(name); }

  // Calls line(name, value) for each line that the edits set or add.
  template <class Line>
  void each_line(Line&& line) const noexcept {
    if (!edit_) return;
    for (const auto* list : {&edit_->set, &edit_->add})
      for (const HeaderEdit::Line& one : *list)
        if (is_editable(http::field_id(one.name))) line(std::string_view(one.name), std::string_view(one.value));
  }

  // What Host is set to, which a request may be given; or empty.
  std::string_view host() const noexcept {
    if (!edit_) return {};
    for (const HeaderEdit::Line& line : edit_->set)
      if (http::equal_ignoring_case(line.name, "host")) return line.value;
    return {};
  }

 private:
  bool names(std::string_view name) const noexcept {
    for (const std::string& removed : edit_->remove)
      if (http::equal_ignoring_case(removed, name)) return true;
    for (const HeaderEdit::Line& line : edit_->set)
      if (http::equal_ignoring_case(line.name, name)) return true;
    return false;
  }

  const HeaderEdit* edit_;  // null: none
};

}  // namespace weir::proxy
