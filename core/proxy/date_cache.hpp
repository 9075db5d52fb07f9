#pragma once
// DateCache: the value of the Date field, written once a second. One thread.

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/time.hpp"
#include "core/proxy/error_page.hpp"

namespace weir::proxy {

class DateCache {
 public:
  // "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). Good until the next call.
  std::string_view at(WallTime now) noexcept {
    const std::int64_t second = now.ns / 1'000'000'000;
    if (second != second_) {
      second_ = second;
      write_http_date(now, text_.data());
    }
    return {text_.data(), http_date_size};
  }

 private:
  std::int64_t second_ = -1;
  std::array<char, 32> text_{};
  static_assert(http_date_size <= 32);
};

}  // namespace weir::proxy
