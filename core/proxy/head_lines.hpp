#pragma once
// What the writers of forwarded request and response heads share: runs of received lines, texts behind them, the edits
// of a route and the framing fields. Private to core/proxy; one head each, on its exchange's thread; nothing is
// allocated.

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/http/grammar.hpp"
#include "core/http/h1_writer.hpp"
#include "core/http/head.hpp"
#include "core/proxy/forwarding.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

// Texts up to this many bytes are copied: a slice of their own costs more.
inline constexpr std::size_t copied_at_most = 256;

// Gathers the many short texts behind the received lines, so that the writer is called once for them.
class Lines {
 public:
  explicit Lines(http::SliceWriter& out) noexcept : out_(out) {}

  void put(std::string_view text) noexcept {
    if (text.size() > text_.size() - used_) flush();
    if (text.size() > copied_at_most) {
      flush();
      out_.append_view(text);
      return;
    }
    if (!text.empty()) std::memcpy(text_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }
  void line(std::string_view name, std::string_view value) noexcept {
    put(name);
    put(": ");
    put(value);
    put("\r\n");
  }
  void number(std::uint64_t value) noexcept {
    std::array<char, 20> digits;
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    put({digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  void flush() noexcept {
    out_.copy({text_.data(), used_});
    used_ = 0;
  }
  bool empty() const noexcept { return used_ == 0; }

 private:
  http::SliceWriter& out_;
  std::size_t used_ = 0;
  std::array<char, 768> text_;
};

// The received bytes that are passed on, as runs between the lines that are dropped.
class Runs {
 public:
  Runs(const http::Head& head, http::SliceWriter& out, std::uint32_t begin) noexcept
      : head_(head), out_(out), begin_(begin) {}

  void drop(const http::Field& field) noexcept {
    write_to(field.name_begin);
    begin_ = field.line_end;
  }
  // Everything up to the empty line, which finish() writes behind `lines`.
  void end_of_fields() noexcept { write_to(head_.size - 2); }
  void finish(Lines& lines) noexcept {
    if (lines.empty()) {
      out_.append_view({head_.base + head_.size - 2, 2});
    } else {
      lines.put("\r\n");
      lines.flush();
    }
  }

 private:
  void write_to(std::uint32_t end) noexcept {
    if (end > begin_) out_.append_view({head_.base + begin_, end - begin_});
    begin_ = end;
  }

  const http::Head& head_;
  http::SliceWriter& out_;
  std::uint32_t begin_;
};

// Fields that belong to a connection or delimit the message; a route cannot edit them.
inline bool is_editable(http::FieldId id) noexcept {
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

// The edits of a route, as far as they are allowed.
class Edits {
 public:
  explicit Edits(const HeaderEdit* edit) noexcept : edit_(edit && !edit->empty() ? edit : nullptr) {}

  // Whether lines of that name are taken out, received ones and weir's own.
  bool take_out(http::FieldId id, std::string_view name) const noexcept {
    return edit_ && is_editable(id) && names(name);
  }
  bool take_out(std::string_view name) const noexcept { return edit_ && names(name); }

  void write(Lines& lines) const noexcept {
    if (!edit_) return;
    for (const auto* list : {&edit_->set, &edit_->add})
      for (const HeaderEdit::Line& line : *list)
        if (is_editable(http::field_id(line.name))) lines.line(line.name, line.value);
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

  const HeaderEdit* edit_;
};

inline bool has_token(std::string_view list, std::string_view wanted) noexcept {
  while (!list.empty())
    if (http::equal_ignoring_case(http::next_element(list), wanted)) return true;
  return false;
}

inline bool is_decimal(std::string_view text, std::uint64_t number) noexcept {
  std::array<char, 20> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return text == std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

// The version in a start line can be kept if it is HTTP/1.1, not merely treated as that.
inline bool is_1_1(const char* last_of_version) noexcept { return *last_of_version == '1'; }

// Decides about received framing lines: kept where they say what weir would write.
class FramingLines {
 public:
  FramingLines(const http::Head& head, const BodyPlan& plan) noexcept : head_(head), plan_(plan) {}

  bool keep(const http::Field& field) noexcept {
    if (field.id == http::FieldId::trailer)  // a body that is no longer chunked has no trailers
      return head_.framing != http::Framing::chunked || plan_.framing == http::Framing::chunked;
    if (written_) return false;
    if (field.id == http::FieldId::transfer_encoding) {
      written_ = plan_.framing == http::Framing::chunked && http::equal_ignoring_case(head_.value(field), "chunked");
    } else {
      written_ = plan_.framing == http::Framing::length && is_decimal(head_.value(field), plan_.length);
    }
    return written_;
  }
  void write(Lines& lines) const noexcept {
    if (written_) return;
    if (plan_.framing == http::Framing::chunked) lines.put("Transfer-Encoding: chunked\r\n");
    if (plan_.framing != http::Framing::length) return;
    lines.put("Content-Length: ");
    lines.number(plan_.length);
    lines.put("\r\n");
  }

 private:
  const http::Head& head_;
  const BodyPlan& plan_;
  bool written_ = false;
};

inline void put_via(const http::Head& head, Lines& lines) noexcept {
  lines.put(head.minor_version == 0 ? "Via: 1.0 weir\r\n" : "Via: 1.1 weir\r\n");
}

}  // namespace weir::proxy
