#pragma once
// weir's own answers to errors, as plain text, HTML or problem+json (RFC 9457) by the request's Accept field, each with
// the request id and never with an upstream's address. Pure; any thread.

#include <cstdint>
#include <string_view>

#include "core/base/time.hpp"
#include "core/http/head.hpp"

namespace weir::proxy {

enum class PageKind : std::uint8_t { text, html, problem_json };

// By the quality values of all Accept lines together (RFC 9110 section 12.5.1); text when nothing fits or there is none.
PageKind choose_page(const http::Head& head) noexcept;
PageKind choose_page(std::string_view accept) noexcept;  // as one line
std::string_view content_type(PageKind kind) noexcept;

struct ErrorPage {
  std::uint16_t status = 500;
  std::string_view detail;      // one sentence for a person, static: "The upstream did not answer in time."
  std::string_view request_id;
};
// Writes the body into `out`, returns its length; at most max_error_page bytes, whatever the input.
inline constexpr std::size_t max_error_page = 2048;
std::size_t write_error_page(PageKind kind, const ErrorPage& page, char* out) noexcept;

// The sentence for a status that weir answers with, e.g. 502, 503, 504, 404, 413.
std::string_view default_detail(std::uint16_t status) noexcept;

// "Mon, 23 Nov 2026 03:00:00 GMT" (RFC 9110 section 5.6.7), 29 bytes.
inline constexpr std::size_t http_date_size = 29;
void write_http_date(WallTime time, char* out) noexcept;

}  // namespace weir::proxy
