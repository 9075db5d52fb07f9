#include "core/proxy/error_page.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/http/grammar.hpp"
#include "core/http/h1_writer.hpp"
#include "core/http/head.hpp"
#include "core/proxy/text_out.hpp"

namespace weir::proxy {
namespace {

// How well a kind fits an Accept field: by quality, then by how exactly it was asked for, then by who was named first.
struct Fit {
  int quality = 0;    // thousandths
  int exactness = 0;  // 0: not named, 1: "*/*", 2: "text/*", 3: the type itself
  int position = 0;

  bool beats(const Fit& other) const noexcept {
    if (quality != other.quality) return quality > other.quality;
    if (exactness != other.exactness) return exactness > other.exactness;
    return position < other.position;
  }
};

// "0.8" as thousandths; what is not a quality value counts as 1.
int read_quality(std::string_view text) noexcept {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 1000;
  int value = (text[0] - '0') * 1000;
  int place = 100;
  for (std::size_t i = 2; i < text.size() && i < 5 && text[1] == '.' && http::is_digit(text[i]); ++i, place /= 10)
    value += (text[i] - '0') * place;
  return std::min(value, 1000);
}

int quality_of(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view one = http::trim_ows(parameters.substr(0, end));
    if (one.size() >= 2 && (one[0] | 0x20) == 'q' && one[1] == '=') return read_quality(one.substr(2));
    parameters.remove_prefix(end == parameters.npos ? parameters.size() : end + 1);
  }
  return 1000;
}

// How exactly a media range names a kind; 0: not at all.
int exactness_of(std::string_view range, PageKind kind) noexcept {
  const auto is = [range](std::string_view name) noexcept { return http::equal_ignoring_case(range, name); };
  if (is("*/*") || is("*")) return 1;
  switch (kind) {
    case PageKind::text: return is("text/plain") ? 3 : is("text/*") ? 2 : 0;
    case PageKind::html: return is("text/html") ? 3 : is("text/*") ? 2 : 0;
    case PageKind::problem_json:
      return is("application/problem+json") || is("application/json") ? 3 : is("application/*") ? 2 : 0;
  }
  return 0;
}

void consider(Fit& fit, int exactness, int quality, int position) noexcept {
  // The most exact range decides; of two that are equally exact (application/json, application/problem+json) the
  // better.
  if (exactness == 0 || exactness < fit.exactness) return;
  if (exactness == fit.exactness && quality <= fit.quality) return;
  fit = {quality, exactness, position};
}

// Writes as much of `text` as fits in front of `end`, each byte through `escape`, which writes at most six bytes.
template <class Escape>
void put_escaped(TextOut& out, std::string_view text, const char* end, Escape&& escape) noexcept {
  for (const char c : text) {
    if (out.at + 6 > end) return;
    escape(out, c);
  }
}

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

void escape_text(TextOut& out, char c) noexcept { out.put(is_control(c) ? '?' : c); }

void escape_html(TextOut& out, char c) noexcept {
  switch (c) {
    case '&': out.put("&amp;"); break;
    case '<': out.put("&lt;"); break;
    case '>': out.put("&gt;"); break;
    case '"': out.put("&quot;"); break;
    case '\'': out.put("&#39;"); break;
    default: escape_text(out, c);
  }
}

void escape_json(TextOut& out, char c) noexcept {
  if (c == '"' || c == '\\') out.put('\\');
  // A request id is ASCII; a byte that is not could make the whole text invalid.
  out.put(is_control(c) || static_cast<unsigned char>(c) >= 0x80 ? '?' : c);
}

constexpr std::size_t detail_room = 900;  // escaped
constexpr std::size_t id_room = 400;      // escaped; the rest of a page is below 700 bytes

template <class Escape>
void put_detail(TextOut& out, const ErrorPage& page, Escape&& escape) noexcept {
  put_escaped(out, page.detail, out.at + detail_room, escape);
}
template <class Escape>
void put_id(TextOut& out, const ErrorPage& page, Escape&& escape) noexcept {
  put_escaped(out, page.request_id, out.at + id_room, escape);
}

void write_text(TextOut& out, const ErrorPage& page, std::string_view title) noexcept {
  out.number(page.status);
  out.put(' ');
  out.put(title);
  out.put('\n');
  if (!page.detail.empty()) {
    out.put('\n');
    put_detail(out, page, escape_text);
    out.put('\n');
  }
  if (!page.request_id.empty()) {
    out.put("\nRequest ID: ");
    put_id(out, page, escape_text);
    out.put('\n');
  }
}

void write_html(TextOut& out, const ErrorPage& page, std::string_view title) noexcept {
  const auto put_title = [&] {
    out.number(page.status);
    out.put(' ');
    out.put(title);
  };
  out.put(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
  put_title();
  out.put(
      "</title>\n<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem}"
      "small{color:GrayText}</style>\n</head>\n<body>\n<h1>");
  put_title();
  out.put("</h1>\n");
  if (!page.detail.empty()) {
    out.put("<p>");
    put_detail(out, page, escape_html);
    out.put("</p>\n");
  }
  if (!page.request_id.empty()) {
    out.put("<p><small>Request ID: ");
    put_id(out, page, escape_html);
    out.put("</small></p>\n");
  }
  out.put("</body>\n</html>\n");
}

void write_problem(TextOut& out, const ErrorPage& page, std::string_view title) noexcept {
  out.put("{\"type\":\"about:blank\",\"title\":\"");
  out.put(title);
  out.put("\",\"status\":");
  out.number(page.status);
  if (!page.detail.empty()) {
    out.put(",\"detail\":\"");
    put_detail(out, page, escape_json);
    out.put('"');
  }
  if (!page.request_id.empty()) {
    out.put(",\"request_id\":\"");
    put_id(out, page, escape_json);
    out.put('"');
  }
  out.put("}\n");
}

// What the Accept lines of a request say about each kind of page.
class Preferences {
 public:
  void read(std::string_view accept) noexcept {
    while (!accept.empty()) {
      const std::string_view element = http::next_element(accept);
      const std::size_t end = element.find(';');
      const std::string_view range = http::trim_ows(element.substr(0, end));
      const int quality = end == element.npos ? 1000 : quality_of(element.substr(end + 1));
      for (const PageKind kind : {PageKind::text, PageKind::html, PageKind::problem_json})
        consider(fits_[static_cast<std::size_t>(kind)], exactness_of(range, kind), quality, position_);
      ++position_;
    }
  }
  PageKind best() const noexcept {
    PageKind best = PageKind::text;
    for (const PageKind kind : {PageKind::html, PageKind::problem_json})
      if (of(kind).beats(of(best))) best = kind;
    return of(best).quality > 0 ? best : PageKind::text;
  }

 private:
  const Fit& of(PageKind kind) const noexcept { return fits_[static_cast<std::size_t>(kind)]; }

  std::array<Fit, 3> fits_{};
  int position_ = 0;  // of the next element, in all lines
};

}  // namespace

PageKind choose_page(const http::Head& head) noexcept {
  Preferences preferences;
  for (std::uint16_t i = 0; i < head.field_count; ++i)
    if (head.fields[i].id == http::FieldId::accept) preferences.read(head.value(head.fields[i]));
  return preferences.best();
}

PageKind choose_page(std::string_view accept) noexcept {
  Preferences preferences;
  preferences.read(accept);
  return preferences.best();
}

std::string_view content_type(PageKind kind) noexcept {
  switch (kind) {
    case PageKind::html: return "text/html; charset=utf-8";
    case PageKind::problem_json: return "application/problem+json";
    case PageKind::text: break;
  }
  return "text/plain; charset=utf-8";
}

std::size_t write_error_page(PageKind kind, const ErrorPage& page, char* out) noexcept {
  TextOut text{out};
  const std::string_view title = http::reason_phrase(page.status);
  switch (kind) {
    case PageKind::text: write_text(text, page, title); break;
    case PageKind::html: write_html(text, page, title); break;
    case PageKind::problem_json: write_problem(text, page, title); break;
  }
  return static_cast<std::size_t>(text.at - out);
}

std::string_view default_detail(std::uint16_t status) noexcept {
  switch (status) {
    case 400: return "The request could not be understood.";
    case 403: return "The request is not allowed.";
    case 404: return "No route of this server matches the request.";
    case 405: return "The method is not allowed here.";
    case 408: return "The request did not arrive in time.";
    case 413: return "The request body is larger than this server accepts.";
    case 414: return "The request line is longer than this server accepts.";
    case 417: return "The expectation of the request cannot be met.";
    case 421: return "This server does not serve that host.";
    case 431: return "The request header is larger than this server accepts.";
    case 500: return "The server encountered an internal error.";
    case 501: return "The request asks for something this server does not support.";
    case 502: return "The upstream could not be reached or did not give a valid answer.";
    case 503: return "The service is temporarily unavailable.";
    case 504: return "The upstream did not answer in time.";
    case 505: return "The HTTP version of the request is not supported.";
    default: break;
  }
  return status >= 500 ? "The request could not be completed." : "The request was rejected.";
}

void write_http_date(WallTime time, char* out) noexcept {
  const CivilTime civil = civil_time(floor_seconds(time.ns));
  TextOut text{out};
  text.put(weekday_names.substr(civil.weekday * 3, 3));
  text.put(", ");
  text.padded(civil.day, 2);
  text.put(' ');
  text.put(month_names.substr((civil.month - 1) * 3, 3));
  text.put(' ');
  text.padded(static_cast<std::uint64_t>(civil.year), 4);
  text.put(' ');
  text.padded(civil.hour, 2);
  text.put(':');
  text.padded(civil.minute, 2);
  text.put(':');
  text.padded(civil.second, 2);
  text.put(" GMT");
}

}  // namespace weir::proxy
