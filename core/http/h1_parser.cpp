#include "core/http/h1_parser.hpp"

#include <algorithm>
#include <cstring>

#include "core/http/field_names.hpp"
#include "core/http/grammar.hpp"
#include "core/http/lanes.hpp"
#include "core/http/uri.hpp"

namespace weir::http {
namespace {

constexpr char tls_handshake = 22;  // the first byte of a TLS client's first record (RFC 8446 section 5.1)

// No real message has more options in Connection; each is looked up among all fields.
constexpr std::uint8_t max_connection_options = 32;

constexpr std::uint32_t bit(FieldId id) noexcept { return field_bit(id); }

constexpr std::uint32_t narrow(std::size_t n) noexcept { return static_cast<std::uint32_t>(n); }

// Options of Connection that act on the connection itself.
constexpr Pattern close_option("close");
constexpr Pattern keep_alive_option("keep-alive");
constexpr Pattern upgrade_option("upgrade");

// Connection is for hop-by-hop fields. A sender that names one of these would have weir strip what the next hop decides
// by, so the option is ignored (RFC 9110 section 7.6.1 forbids it for fields meant for every recipient).
bool may_be_hop_by_hop(std::string_view name) noexcept {
  constexpr std::string_view names[] = {
      "host",
      "transfer-encoding",
      "connection",  // routing and framing; weir's own
      "forwarded",
      "via",
      "x-real-ip",
      "x-request-id",  // who asks: trusted by the upstream
      "authorization",
      "cookie",
      "set-cookie",
      "www-authenticate",
      "origin",  // who may
      "referer",
      "strict-transport-security",
      "x-content-type-options",
      "x-frame-options",
      "cache-control",
      "vary",
      "date",
      "age",
      "expires",
      "etag",
      "last-modified",
      "pragma",
      "warning",  // caches
      "range",
      "accept-ranges",
      "location",
      "expect",
      "max-forwards",  // what is asked for and given
      "traceparent",
      "tracestate",
      "user-agent",
      "server",  // whom the logs show
  };
  for (const std::string_view kept : names)
    if (equal_ignoring_case(name, kept)) return false;
  // Framing and representation, the client's address, conditions, cross-origin and fetch rules.
  constexpr std::string_view prefixes[] = {"content-",        "x-forwarded-", "if-",
                                           "access-control-", "sec-",         "cross-origin-"};
  for (const std::string_view prefix : prefixes)
    if (equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return false;
  return true;
}

Method method_of(std::string_view text) noexcept {
  switch (text.size()) {
    case 3: return text == "GET" ? Method::get : text == "PUT" ? Method::put : Method::other;
    case 4: return text == "POST" ? Method::post : text == "HEAD" ? Method::head : Method::other;
    case 5: return text == "PATCH" ? Method::patch : text == "TRACE" ? Method::trace : Method::other;
    case 6: return text == "DELETE" ? Method::del : Method::other;
    case 7: return text == "OPTIONS" ? Method::options : text == "CONNECT" ? Method::connect : Method::other;
    default: return Method::other;
  }
}

// The word for a version that is refused, or empty. HTTP/1.x with a higher x is read as 1.1 (RFC 9110 section 2.5).
std::string_view read_version(std::string_view text, std::uint8_t& minor) noexcept {
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7])) {
    return "bad-version";
  }
  minor = text[7] == '0' ? 0 : 1;
  return text[5] == '1' ? std::string_view{} : "unsupported-version";
}

// Statuses whose responses never have a body (RFC 9112 section 6.3).
constexpr bool ends_at_head(std::uint16_t status) noexcept { return status < 200 || status == 204 || status == 304; }

// Decimal digits only, at most max_length; the word for what is wrong, or empty.
std::string_view read_length(std::string_view text, std::uint64_t& length) noexcept {
  if (text.empty()) return "bad-length";
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return "bad-length";
    const unsigned digit = static_cast<unsigned>(c - '0');
    if (value > (max_length - digit) / 10) return "length-overflow";
    value = value * 10 + digit;
  }
  length = value;
  return {};
}

}  // namespace

// ---- what both parsers share ------------------------------------------------------------------------------------

void HeadParser::restart(const Limits& limits, bool response) noexcept {
  limits_ = &limits;
  most_fields_ = std::min(limits.header_count, max_fields);
  base_ = nullptr;
  scanned_ = 0;
  line_begin_ = 0;
  seen_ = 0;
  connection_options_ = named_options_ = 0;
  part_ = Part::start_line;
  response_ = response;
  chunked_ = false;
  refusal_ = {};
}

bool HeadParser::refuse(std::uint16_t status, std::string_view word) noexcept {
  refusal_ = {response_ ? std::uint16_t{502} : status, word};
  return false;
}

// Finds the end of the next line: `end` becomes the offset of its CR. What is refused does not depend on how the bytes
// are cut: a limit counts as passed as soon as the bytes so far cannot be part of a line within it.
HeadParser::Scan HeadParser::next_line(std::uint32_t& end) noexcept {
  const std::size_t window = window_;
  const void* hit = scanned_ < window ? std::memchr(base_ + scanned_, '\n', window - scanned_) : nullptr;
  const std::size_t feed = hit ? static_cast<std::size_t>(static_cast<const char*>(hit) - base_) : window;
  const bool in_fields = part_ != Part::start_line;
  const std::size_t longest = in_fields ? limits_->header_line : limits_->request_line;
  if (feed - line_begin_ > longest + 1) [[unlikely]] {  // the last of them may be the CR
    refuse(in_fields ? 431 : 414, in_fields ? "header-line-too-long" : "request-line-too-long");
    return Scan::refused;
  }
  if (feed + (hit ? 1 : 0) > limits_->head) [[unlikely]] {
    refuse(431, "head-too-long");
    return Scan::refused;
  }
  if (!hit) {
    scanned_ = narrow(window);
    return Scan::need_more;
  }
  if (feed == line_begin_ || base_[feed - 1] != '\r') [[unlikely]] {
    refuse(400, "bare-lf");
    return Scan::refused;
  }
  scanned_ = narrow(feed + 1);
  end = narrow(feed - 1);
  return Scan::line;
}

// Reads the line from line_begin_ to the CR at `end` into the head's next field.
Field* HeadParser::add_field(Head& head, std::uint32_t end) noexcept {
  const char* line = base_ + line_begin_;
  const std::size_t size = end - line_begin_;
  if (head.field_count >= most_fields_) [[unlikely]] {
    refuse(431, "too-many-fields");
    return nullptr;
  }
  FieldLine parts;
  if (!parse_field_line(line, size, parts)) [[unlikely]] {
    const std::string_view word = name_bad_field_line({line, size});
    refuse(400, head.field_count == 0 && word == "obs-fold" ? "space-before-fields" : word);
    return nullptr;
  }
  return &store_field(head, parts, end);
}

[[gnu::always_inline]] inline Field& HeadParser::store_field(Head& head, const FieldLine& parts,
                                                             std::uint32_t end) noexcept {
  const std::uint32_t begin = line_begin_;
  Field& field = head.fields[head.field_count++];
  field.name_begin = begin;
  field.value_begin = begin + narrow(parts.value_begin);
  field.value_size = narrow(parts.value_size);
  field.line_end = end + 2;
  field.name_size = static_cast<std::uint16_t>(parts.name_size);
  field.id = known_field_id(base_ + begin, parts.name_size);
  field.named_by_connection = false;
  return field;
}

// Reads the next line in one pass if it is there as a whole, well-formed, within the limits and without a tab in its
// value. Null decides nothing: the careful way looks again.
[[gnu::always_inline]] inline const Field* HeadParser::add_usual_field(Head& head) noexcept {
  const std::uint32_t begin = line_begin_;
  if (scanned_ != begin || window_ - begin < 16 || head.field_count >= most_fields_) return nullptr;
  const char* const line = base_ + begin;
  const char* const stop = base_ + window_;
  const char* at = line + count_name_bytes(line);
  if (at == line) return nullptr;
  if (at == stop || *at != ':') {  // a long name, or a rare character in it
    while (at < stop && is(token_char, *at)) ++at;
    if (at == stop || *at != ':' || at - line > UINT16_MAX) return nullptr;
  }
  const std::size_t name_size = static_cast<std::size_t>(at - line);
  const char* value = at + 1;
  while (value < stop && *value == ' ') ++value;
  at = find_lane(value, stop, control_lanes);
  if (stop - at < 2 || at[0] != '\r' || at[1] != '\n') return nullptr;
  const std::size_t size = static_cast<std::size_t>(at - line);
  const std::uint32_t end = begin + narrow(size);
  if (size > limits_->header_line || end + std::size_t{2} > limits_->head) return nullptr;
  while (at > value && at[-1] == ' ') --at;
  scanned_ = end + 2;
  const FieldLine parts{name_size, static_cast<std::size_t>(value - line), static_cast<std::size_t>(at - value)};
  return &store_field(head, parts, end);
}

// Line by line, for both kinds of head. `self` reads the start line, acts on the fields and ends the head.
template <class Parser>
[[gnu::always_inline]] inline Parse HeadParser::parse_lines(Parser& self, std::string_view bytes) noexcept {
  while (part_ != Part::nothing) {
    const Field* field = part_ == Part::fields ? add_usual_field(self.head_) : nullptr;
    if (field) {
      if (!self.on_field(*field)) return Parse::refused;
    } else {
      std::uint32_t end = 0;
      const Scan scan = next_line(end);
      if (scan != Scan::line) return scan == Scan::refused ? Parse::refused : Parse::need_more;
      const bool is_last = part_ == Part::fields && end == line_begin_;
      if (!(is_last ? self.finish_head(end + 2) : self.line(bytes, end))) return Parse::refused;
    }
    line_begin_ = scanned_;
  }
  return Parse::complete;
}

template <class Parser>
bool HeadParser::field_line(Parser& self, std::uint32_t end) noexcept {
  const Field* field = add_field(self.head_, end);
  return field && self.on_field(*field);
}

// Fields that mean the same in requests and responses.
bool HeadParser::on_shared_field(Head& head, FieldId id, std::string_view value) noexcept {
  const bool repeated = (seen_ & bit(id)) != 0;
  seen_ |= bit(id);
  switch (id) {
    case FieldId::content_length: {
      if (seen_ & bit(FieldId::transfer_encoding)) return refuse(400, "length-and-coding");
      if (repeated) return refuse(400, "two-lengths");
      const std::string_view word = read_length(value, head.content_length);
      return word.empty() || refuse(400, word);
    }
    case FieldId::transfer_encoding:
      if (seen_ & bit(FieldId::content_length)) return refuse(400, "length-and-coding");
      if (head.minor_version == 0) return refuse(400, "coding-on-http-1.0");
      return on_transfer_encoding(value);
    case FieldId::connection: return on_connection(value);
    default: return true;
  }
}

// Only "chunked", once, is understood (RFC 9112 section 6.1).
bool HeadParser::on_transfer_encoding(std::string_view value) noexcept {
  bool unknown = false;
  if (value.ends_with(',')) return refuse(400, "bad-coding");
  do {
    const std::string_view coding = next_element(value);
    const std::string_view name = trim_ows(coding.substr(0, coding.find(';')));
    if (!is_token(name)) return refuse(400, "bad-coding");
    const bool is_chunked = equal_ignoring_case(name, "chunked");
    if (is_chunked && coding.size() != name.size()) return refuse(400, "bad-coding");
    if (chunked_) return refuse(400, is_chunked ? "chunked-twice" : "chunked-not-final");
    chunked_ = is_chunked;
    unknown = unknown || !is_chunked;
  } while (!value.empty());
  return !unknown || refuse(501, "unknown-coding");
}

bool HeadParser::on_connection(std::string_view value) noexcept {
  if (keep_alive_option.matches(value)) return named_options_ |= option_keep_alive, true;  // nearly always
  while (!value.empty()) {
    const std::string_view option = next_element(value);
    if (option.empty()) continue;
    if (!is_token(option)) return refuse(400, "bad-connection");
    if (++connection_options_ > max_connection_options) return refuse(400, "too-many-connection-options");
    if (close_option.matches(option)) {
      named_options_ |= option_close;
    } else if (keep_alive_option.matches(option)) {
      named_options_ |= option_keep_alive;
    } else if (upgrade_option.matches(option)) {
      named_options_ |= option_upgrade;
    } else {
      named_options_ |= option_other;
    }
  }
  return true;
}

// At the empty line: what needs all fields.
void HeadParser::finish(Head& head, std::uint32_t end) noexcept {
  part_ = Part::nothing;
  head.size = end;
  head.seen = seen_;
  head.keep_alive = !names_option(option_close) && (head.minor_version == 1 || names_option(option_keep_alive));
  // An HTTP/1.0 sender cannot upgrade (RFC 9110 section 7.8).
  head.connection_upgrade = names_option(option_upgrade) && head.minor_version == 1 && (seen_ & bit(FieldId::upgrade)) != 0;
  const bool names_known =
      (names_option(option_keep_alive) && (seen_ & bit(FieldId::keep_alive)) != 0) ||
      (names_option(option_upgrade) && (seen_ & bit(FieldId::upgrade)) != 0);
  if (names_option(option_other) || names_known) mark_named_fields(head);
}

void HeadParser::mark_named_fields(Head& head) noexcept {
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    if (head.fields[i].id != FieldId::connection) continue;
    std::string_view rest = head.value(head.fields[i]);
    while (!rest.empty()) {
      const std::string_view option = next_element(rest);
      if (option.empty() || !may_be_hop_by_hop(option)) continue;
      for (std::uint16_t k = 0; k < head.field_count; ++k) {
        Field& field = head.fields[k];
        if (field.name_size == option.size() && equal_ignoring_case(head.name(field), option)) {
          field.named_by_connection = true;
        }
      }
    }
  }
}

// ---- requests ---------------------------------------------------------------------------------------------------

void RequestParser::reset(const Limits& limits) noexcept {
  restart(limits, false);
  skipped_ = 0;
  method_ = target_ = path_ = query_ = scheme_ = authority_ = {};
  host_size_ = 0;
  head_.size = 0;
  head_.field_count = 0;
  head_.framing = Framing::none;
  head_.content_length = 0;
  head_.expect_continue = false;
}

void RequestParser::look_at(std::string_view bytes) noexcept {
  bytes.remove_prefix(std::min<std::size_t>(skipped_, bytes.size()));
  base_ = head_.base = bytes.data();
  window_ = std::min(bytes.size(), limits_->head + 1);
}

Parse RequestParser::parse(std::string_view bytes) noexcept {
  if (refusal_.status != 0) return Parse::refused;
  look_at(bytes);
  if (part_ == Part::start_line && !refuse_tls()) return Parse::refused;
  const Parse verdict = parse_lines(*this, bytes);
  if (verdict == Parse::complete) set_views();
  return verdict;
}

// A TLS record has no line feed to wait for: its sender is told at once. True: it is none.
bool RequestParser::refuse_tls() noexcept {
  return window_ == 0 || base_[0] != tls_handshake || refuse(400, "tls-hello");
}

bool RequestParser::line(std::string_view bytes, std::uint32_t end) noexcept {
  if (part_ == Part::fields) return field_line(*this, end);
  return end == 0 ? skip_empty_line(bytes) : request_line(end);
}

// An old client's CRLF behind the last body (RFC 9112 section 2.2). The head begins behind it.
bool RequestParser::skip_empty_line(std::string_view bytes) noexcept {
  if (skipped_ != 0) return refuse(400, "bad-request-line");
  skipped_ = 2;
  scanned_ = 0;
  look_at(bytes);
  return refuse_tls();  // with one verdict, however the bytes came
}

// method SP request-target SP HTTP-version (RFC 9112 section 3).
bool RequestParser::request_line(std::uint32_t end) noexcept {
  const std::string_view text(base_, end);
  std::uint32_t at = 0;
  while (is(token_char, base_[at])) ++at;  // the CR ends it
  if (at == 0 || base_[at] != ' ') return refuse(400, name_bad_bytes(text, "bad-method"));
  method_ = {0, at};
  head_.method = method_of(text.substr(0, at));

  const std::uint32_t target_begin = ++at;
  if (window_ >= 16) {
    at = narrow(static_cast<std::size_t>(find_lane(base_ + at, base_ + window_, no_target_lanes) - base_));
  } else {
    while (is(target_char, base_[at])) ++at;
  }
  // Browsers encode a query, scripts often do not. Origins take the bytes as they are, so they pass as received; a path
  // is compared with routes and must be spelled in one way.
  if (base_[at] < 0 && text.substr(target_begin, at - target_begin).find('?') != text.npos) {
    while (is(query_char, base_[at])) ++at;
  }
  target_ = {target_begin, at - target_begin};
  if (target_.size == 0 || base_[at] != ' ') return refuse(400, name_bad_bytes(text, "bad-target"));

  const std::string_view word = read_version(text.substr(at + 1), head_.minor_version);
  if (!word.empty()) return refuse(word == "unsupported-version" ? 505 : 400, name_bad_bytes(text, word));
  if (!read_target(text.substr(target_begin, target_.size))) return refuse(400, "bad-target");
  head_.start_line_end = end + 2;
  part_ = Part::fields;
  return true;
}

// Takes the target apart by its form (RFC 9112 section 3.2). It holds no '#', and only visible ASCII before a '?'.
bool RequestParser::read_target(std::string_view target) noexcept {
  if (head_.method == Method::connect) {
    head_.form = TargetForm::authority;
    authority_ = target_;
    const std::optional<Authority> authority = parse_authority(target);
    if (authority) host_size_ = narrow(authority->host.size());
    return authority && authority->port;
  }
  if (target[0] == '/') {
    head_.form = TargetForm::origin;
    split_query(target, 0);
    return true;
  }
  if (target == "*") {
    head_.form = TargetForm::asterisk;
    path_ = target_;
    return head_.method == Method::options;
  }
  const std::size_t scheme_size = target.find("://");
  if (scheme_size == target.npos) return false;
  const std::string_view scheme = target.substr(0, scheme_size);
  if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) return false;
  head_.form = TargetForm::absolute;
  scheme_ = {target_.begin, narrow(scheme_size)};
  const std::size_t begin = scheme_size + 3;
  const std::size_t end = std::min(target.find_first_of("/?", begin), target.size());
  authority_ = {target_.begin + narrow(begin), narrow(end - begin)};
  split_query(target, end);
  const std::optional<Authority> authority = parse_authority(target.substr(begin, end - begin));
  if (authority) host_size_ = narrow(authority->host.size());
  return authority.has_value();
}

void RequestParser::split_query(std::string_view target, std::size_t path_begin) noexcept {
  const std::size_t mark = std::min(target.find('?', path_begin), target.size());
  path_ = {target_.begin + narrow(path_begin), narrow(mark - path_begin)};
  query_ = {target_.begin + narrow(mark), narrow(target.size() - mark)};
}

bool RequestParser::on_field(const Field& field) noexcept {
  switch (field.id) {
    case FieldId::other: return true;
    case FieldId::host: return on_host(field);
    case FieldId::expect: return on_expect(field);
    default: return on_shared_field(head_, field.id, head_.value(field));
  }
}

// Host must agree with an absolute or authority target: a server that trusts the other one would route elsewhere.
bool RequestParser::on_host(const Field& field) noexcept {
  if (seen_ & bit(FieldId::host)) return refuse(400, "two-hosts");
  seen_ |= bit(FieldId::host);
  const std::string_view value = head_.value(field);
  const bool in_target = head_.form == TargetForm::absolute || head_.form == TargetForm::authority;
  // Empty: the target URI has no authority (RFC 9112 section 3.2), which an absolute http URI cannot lack.
  if (value.empty()) return !in_target || refuse(400, "host-differs");
  const std::optional<Authority> host = parse_authority(value);
  if (!host) return refuse(400, "bad-host");
  if (!in_target) {
    authority_ = {field.value_begin, field.value_size};
    host_size_ = narrow(host->host.size());
    return true;
  }
  const std::optional<Authority> target = parse_authority({base_ + authority_.begin, authority_.size});
  const std::uint16_t usual = head_.form == TargetForm::authority ? *target->port : scheme_.size == 5 ? 443 : 80;
  if (equal_ignoring_case(host->host, target->host) && host->port.value_or(usual) == target->port.value_or(usual)) {
    return true;
  }
  return refuse(400, "host-differs");
}

bool RequestParser::on_expect(const Field& field) noexcept {
  seen_ |= bit(FieldId::expect);
  if (!equal_ignoring_case(head_.value(field), "100-continue")) return refuse(417, "unknown-expectation");
  head_.expect_continue = head_.minor_version == 1;  // ignored in 1.0 (RFC 9110 section 10.1.1)
  return true;
}

bool RequestParser::finish_head(std::uint32_t end) noexcept {
  const bool has_length = (seen_ & bit(FieldId::content_length)) != 0;
  if (head_.minor_version == 1 && !(seen_ & bit(FieldId::host))) return refuse(400, "no-host");
  // What follows a CONNECT head belongs to the tunnel (RFC 9110 section 9.3.6); a body before it would be read twice.
  if (head_.method == Method::connect && (chunked_ || head_.content_length > 0))
    return refuse(400, "body-with-connect");
  head_.framing = chunked_ ? Framing::chunked : has_length ? Framing::length : Framing::none;
  finish(head_, end);
  return true;
}

void RequestParser::set_views() noexcept {
  const auto view = [this](Span span) { return std::string_view(base_ + span.begin, span.size); };
  head_.method_text = view(method_);
  head_.target = view(target_);
  head_.path = path_.size == 0 && head_.form == TargetForm::absolute ? std::string_view("/") : view(path_);
  head_.query = view(query_);
  head_.scheme = view(scheme_);
  head_.authority = view(authority_);
  head_.host = head_.authority.substr(0, host_size_);
}

// ---- responses --------------------------------------------------------------------------------------------------

void ResponseParser::reset(const Limits& limits, Method method) noexcept {
  restart(limits, true);
  method_ = method;
  reason_ = {};
  head_.size = 0;
  head_.field_count = 0;
  head_.framing = Framing::none;
  head_.content_length = 0;
  head_.status = 0;
  head_.framing_ignored = false;
}

Parse ResponseParser::parse(std::string_view bytes) noexcept {
  if (refusal_.status != 0) return Parse::refused;
  base_ = head_.base = bytes.data();
  window_ = std::min(bytes.size(), limits_->head + 1);
  const Parse verdict = parse_lines(*this, bytes);
  if (verdict == Parse::complete) head_.reason = {base_ + reason_.begin, reason_.size};
  return verdict;
}

bool ResponseParser::line(std::string_view, std::uint32_t end) noexcept {
  return part_ == Part::fields ? field_line(*this, end) : status_line(end);
}

// HTTP-version SP status-code [ SP reason ] (RFC 9112 section 4; servers leave the second space out).
bool ResponseParser::status_line(std::uint32_t end) noexcept {
  const std::string_view text(base_, end);
  const std::string_view word = read_version(text.substr(0, 8), head_.minor_version);
  if (!word.empty()) return refuse(502, name_bad_bytes(text, word));
  const bool shaped = text.size() >= 12 && text[8] == ' ' && is_digit(text[9]) && is_digit(text[10]) &&
                      is_digit(text[11]) && text[9] != '0' && (text.size() == 12 || text[12] == ' ');
  if (!shaped) return refuse(502, name_bad_bytes(text, "bad-status"));
  head_.status = static_cast<std::uint16_t>((text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0'));
  const std::uint32_t reason_begin = std::min<std::uint32_t>(13, end);
  reason_ = {reason_begin, end - reason_begin};
  if (!is_field_value(base_ + reason_begin, reason_.size)) return refuse(502, name_bad_bytes(text, "bad-reason"));
  head_.start_line_end = end + 2;
  part_ = Part::fields;
  return true;
}

bool ResponseParser::on_field(const Field& field) noexcept {
  if (field.id == FieldId::other) return true;
  if (ends_at_head(head_.status) && (field.id == FieldId::content_length || field.id == FieldId::transfer_encoding)) {
    on_framing_of_bodiless(field);
    return true;
  }
  return on_shared_field(head_, field.id, head_.value(field));
}

// Whatever its framing fields say, such a response ends at its head (RFC 9112 section 6.3). One length is usual:
// that of a 304 is the one a 200 would have (RFC 9110 section 8.6), and a zero says nothing. The RFC allows a coding on
// 304 as well, but origins that send one may send the last chunk, too.
void ResponseParser::on_framing_of_bodiless(const Field& field) noexcept {
  const bool usual = field.id == FieldId::content_length && (seen_ & bit(FieldId::content_length)) == 0 &&
                     read_length(head_.value(field), head_.content_length).empty() &&
                     (head_.status == 304 || head_.content_length == 0);
  seen_ |= bit(field.id);
  if (!usual) head_.framing_ignored = true;
}

bool ResponseParser::finish_head(std::uint32_t end) noexcept {
  const bool bodiless =
      ends_at_head(head_.status) || method_ == Method::head || (method_ == Method::connect && head_.status < 300);
  const bool has_length = (seen_ & bit(FieldId::content_length)) != 0;
  head_.framing = bodiless     ? Framing::none
                  : chunked_   ? Framing::chunked
                  : has_length ? Framing::length
                               : Framing::until_close;
  finish(head_, end);
  if (head_.framing_ignored) {
    head_.content_length = 0;
    head_.keep_alive = false;
  }
  return true;
}

}  // namespace weir::http
