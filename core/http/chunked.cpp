#include "core/http/chunked.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/http/grammar.hpp"
#include "core/http/head.hpp"

namespace weir::http {
namespace {

constexpr std::uint8_t max_size_digits = 16;

// Where in ";name=value" the decoder stands (RFC 9112 section 7.1.1; white space around is refused).
enum Extension : std::uint8_t { before_name, in_name, before_value, in_value, in_quotes, escaped, behind_quotes };

// The state behind `c`, or -1 when it may not stand there. CR and ';' are not asked here.
int next_in_extension(std::uint8_t at, char c) noexcept {
  const bool token = is(token_char, c);
  switch (at) {
    case before_name: return token ? in_name : -1;
    case in_name: return token ? in_name : c == '=' ? before_value : -1;
    case before_value: return token ? in_value : c == '"' ? in_quotes : -1;
    case in_value: return token ? in_value : -1;
    case in_quotes: return c == '"' ? behind_quotes : c == '\\' ? escaped : is(value_char, c) ? in_quotes : -1;
    case escaped: return is(value_char, c) ? in_quotes : -1;
    default: return -1;
  }
}

// Whether a whole extension may end here.
bool ends_extension(std::uint8_t at) noexcept { return at == in_name || at == in_value || at == behind_quotes; }

// Fields that must be known before the body is read, or that say who may do what: merged from a trailer they would
// change a decision already taken (RFC 9110 section 6.5.1). CGI and what follows it does not tell an underscore from a
// hyphen.
bool may_be_trailer(std::string_view given) noexcept {
  std::array<char, 64> hyphened;  // longer than every name below
  const std::size_t size = std::min(given.size(), hyphened.size());
  std::replace_copy(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(size), hyphened.begin(), '_', '-');
  const std::string_view name(hyphened.data(), size);
  // Authentication, connection management, framing, routing, and what proxies say about the client.
  switch (field_id(name)) {
    case FieldId::authorization:
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::content_type:
    case FieldId::date:
    case FieldId::expect:
    case FieldId::forwarded:
    case FieldId::host:
    case FieldId::keep_alive:
    case FieldId::location:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::via:
    case FieldId::www_authenticate:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_proto:
    case FieldId::x_real_ip:
    case FieldId::x_request_id: return false;
    default: break;
  }
  constexpr std::string_view names[] = {
      "cookie",       "set-cookie",                                            // authentication
      "max-forwards", "pragma",        "range",                                // request modifiers
      "age",          "cache-control", "expires", "retry-after", "vary", "warning",  // response control
  };
  for (const std::string_view forbidden : names)
    if (equal_ignoring_case(name, forbidden)) return false;
  constexpr std::string_view prefixes[] = {"content-", "if-", "x-forwarded-"};  // representation, conditions
  for (const std::string_view prefix : prefixes)
    if (equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return false;
  return true;
}

}  // namespace

void ChunkedDecoder::reset(const Limits& limits) noexcept {
  limits_ = &limits;
  state_ = State::size;
  left_ = 0;
  line_ = 0;
  digits_ = 0;
  detail_ = 0;
  line_text_.clear();
  trailers_.clear();
  word_ = {};
}

bool ChunkedDecoder::refuse(std::string_view word) noexcept {
  state_ = State::refused;
  word_ = word;
  return false;
}

// A byte of the line with the chunk size; false: refused.
bool ChunkedDecoder::size_line(char c) noexcept {
  if (c == '\n' && state_ != State::size_lf) return refuse("bare-lf");
  switch (state_) {
    case State::size: {
      const int digit = hex_value(c);
      if (digit >= 0 && digits_ < max_size_digits && left_ <= max_length >> 4) {
        ++digits_;
        left_ = left_ << 4 | static_cast<unsigned>(digit);
      } else if (digit >= 0) {
        return refuse("chunk-size-overflow");
      } else if (digits_ > 0 && c == ';') {
        state_ = State::extension;
        detail_ = before_name;
      } else if (digits_ > 0 && c == '\r') {
        state_ = State::size_lf;
      } else {
        return refuse("bad-chunk-size");
      }
      break;
    }
    case State::extension: {
      const bool complete = ends_extension(detail_);
      if (c == '\r') {
        if (!complete) return refuse("bad-chunk-extension");
        state_ = State::size_lf;
        break;
      }
      const int next = c == ';' && complete ? before_name : next_in_extension(detail_, c);
      if (next < 0) return refuse("bad-chunk-extension");
      detail_ = static_cast<std::uint8_t>(next);
      break;
    }
    default:  // size_lf
      if (c != '\n') return refuse("bare-cr");
      line_ = 0;
      digits_ = 0;
      state_ = left_ > 0 ? State::data : State::trailer;
      return true;
  }
  // The CR counts neither here nor for a head's lines.
  if (c != '\r' && ++line_ > limits_->chunk_line) return refuse("chunk-line-too-long");
  return true;
}

// A whole trailer line without its LF.
bool ChunkedDecoder::trailer_line(std::string_view line) noexcept {
  if (line.empty() || line.back() != '\r') return refuse("bare-lf");
  FieldLine field;
  if (!parse_field_line(line.data(), line.size() - 1, field)) {
    return refuse(name_bad_field_line(line.substr(0, line.size() - 1)));
  }
  if (may_be_trailer(line.substr(0, field.name_size))) trailers_.append(line).push_back('\n');
  return true;
}

// Takes trailer bytes from `input`; returns how many. Stops behind a line.
std::size_t ChunkedDecoder::trailer(std::string_view input) noexcept {
  const std::size_t feed = input.find('\n');
  const std::size_t taken = feed == input.npos ? input.size() : feed + 1;
  std::string_view line = input.substr(0, std::min(feed, input.size()));
  if (line_text_.empty() && feed != input.npos && line == "\r") {
    state_ = State::done;
    return taken;
  }
  const std::size_t size = line_text_.size() + line.size() + 1;  // with the LF, which comes at the earliest next
  const bool maybe_end = line_text_ == "\r" ? line.empty() : line_text_.empty() && line == "\r";
  if (!maybe_end && line_ + size > limits_->trailers) {
    refuse("trailers-too-long");
    return 0;
  }
  if (feed == input.npos) {
    line_text_.append(line);
    return taken;
  }
  if (!line_text_.empty()) {
    line_text_.append(line);
    line = line_text_;
  }
  if (line == "\r") {
    state_ = State::done;
    return taken;
  }
  if (!trailer_line(line)) return 0;
  line_ += static_cast<std::uint32_t>(size);
  line_text_.clear();
  return taken;
}

ChunkedDecoder::Piece ChunkedDecoder::next(std::string_view input) noexcept {
  std::size_t at = 0;
  while (at < input.size() && state_ != State::done && state_ != State::refused) {
    switch (state_) {
      case State::data: {
        const std::string_view data = input.substr(at, std::min<std::uint64_t>(left_, input.size() - at));
        left_ -= data.size();
        if (left_ == 0) state_ = State::data_cr;
        return {Status::data, at + data.size(), data};
      }
      case State::data_cr:
        if (input[at] != '\r') {
          refuse(input[at] == '\n' ? "bare-lf" : "no-crlf-behind-chunk");
          break;
        }
        ++at;
        state_ = State::data_lf;
        break;
      case State::data_lf:
        if (input[at] != '\n') {
          refuse("bare-cr");
          break;
        }
        ++at;
        state_ = State::size;
        break;
      case State::trailer: at += trailer(input.substr(at)); break;
      default:
        if (size_line(input[at])) ++at;
    }
  }
  const Status status = state_ == State::done      ? Status::done
                        : state_ == State::refused ? Status::refused
                                                   : Status::need_more;
  return {status, at, {}};
}

std::size_t write_chunk_line(std::uint64_t size, char* out) noexcept {
  char digits[16];
  std::size_t count = 0;
  do {
    digits[count++] = "0123456789abcdef"[size & 15];
    size >>= 4;
  } while (size > 0);
  for (std::size_t i = 0; i < count; ++i) out[i] = digits[count - 1 - i];
  out[count] = '\r';
  out[count + 1] = '\n';
  return count + 2;
}

}  // namespace weir::http
