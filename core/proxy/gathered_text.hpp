#pragma once
// Gathers many short texts, so that a slice writer is called once for them. One head or value each, on its exchange's
// thread; nothing is allocated. Its maker flushes it at the end.

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/http/h1_writer.hpp"

namespace weir::proxy {

class GatheredText {
 public:
  // Texts up to this many bytes are copied: a slice of their own costs more. Longer ones stay where they are until
  // sent.
  static constexpr std::size_t copied_at_most = 256;

  explicit GatheredText(http::SliceWriter& out) noexcept : out_(out) {}

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

}  // namespace weir::proxy
