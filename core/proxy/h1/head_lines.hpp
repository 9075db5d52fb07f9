#pragma once
// The parts of a forwarded HTTP/1 head: runs of the received bytes around the lines that are dropped, the added lines
// behind them, the framing fields. Private to core/proxy/h1; one head each, on its exchange's thread; nothing is
// allocated.

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "core/http/h1_writer.hpp"
#include "core/http/head.hpp"
#include "core/proxy/forwarding.hpp"
#include "core/proxy/gathered_text.hpp"
#include "core/proxy/head_sink.hpp"

namespace weir::proxy::h1 {

// The received bytes that are passed on, as runs between the lines that are dropped.
class Runs {
 public:
  Runs(const http::Head& head, http::SliceWriter& out) noexcept : head_(head), out_(out) {}

  // From which offset on received bytes are passed on; what is before it has been written.
  void begin_at(std::uint32_t offset) noexcept { begin_ = offset; }
  void drop(const http::Field& field) noexcept {
    write_to(field.name_begin);
    begin_ = field.line_end;
  }
  // Everything up to the empty line, which finish() writes behind `lines`.
  void end_of_fields() noexcept { write_to(head_.size - 2); }
  void finish(GatheredText& lines) noexcept {
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
  std::uint32_t begin_ = 0;
};

// Lines behind the received ones: the half of a HeadSink that requests and responses share.
class AddedLines {
 public:
  explicit AddedLines(http::SliceWriter& out) noexcept : text_(out) {}

  void line(FixedLine line) noexcept { text_.put(line.text()); }
  void line(LineName name, std::string_view value) noexcept {
    text_.put(name.text());
    text_.put(value);
    text_.put("\r\n");
  }
  void line(std::string_view name, std::string_view value) noexcept {
    text_.put(name);
    text_.put(": ");
    text_.put(value);
    text_.put("\r\n");
  }
  void begin(LineName name) noexcept { text_.put(name.text()); }
  void part(std::string_view text) noexcept { text_.put(text); }
  void end() noexcept { text_.put("\r\n"); }

  void number(std::uint64_t value) noexcept { text_.number(value); }
  GatheredText& text() noexcept { return text_; }

 private:
  GatheredText text_;
};

inline bool is_decimal(std::string_view text, std::uint64_t number) noexcept {
  std::array<char, 20> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return text == std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

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
  void write(AddedLines& lines) const noexcept {
    if (written_) return;
    if (plan_.framing == http::Framing::chunked) lines.line(FixedLine("Transfer-Encoding: chunked\r\n"));
    if (plan_.framing != http::Framing::length) return;
    lines.begin(LineName("Content-Length: "));
    lines.number(plan_.length);
    lines.end();
  }

 private:
  const http::Head& head_;
  BodyPlan plan_;
  bool written_ = false;
};

}  // namespace weir::proxy::h1
