#include "core/proxy/forwarding.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <functional>

#include "core/http/grammar.hpp"
#include "core/proxy/text_out.hpp"

namespace weir::proxy {
namespace {

using http::Field;
using http::FieldId;
using http::Framing;
using http::SliceWriter;

// Texts up to this many bytes are copied: a slice of their own costs more.
constexpr std::size_t copied_at_most = 256;

// Gathers the many short texts behind the received lines, so that the writer is called once for them.
class Lines {
 public:
  explicit Lines(SliceWriter& out) noexcept : out_(out) {}

  void put(std::string_view text) noexcept {
    if (text.size() > text_.size() - used_) flush();
    if (text.size() > copied_at_most) {
      flush();
      out_.run(text);
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
  SliceWriter& out_;
  std::size_t used_ = 0;
  std::array<char, 768> text_;
};

// The received bytes that are passed on, as runs between the lines that are dropped.
class Runs {
 public:
  Runs(const http::Head& head, SliceWriter& out, std::uint32_t begin) noexcept
      : head_(head), out_(out), begin_(begin) {}

  void drop(const Field& field) noexcept {
    write_to(field.name_begin);
    begin_ = field.line_end;
  }
  // Everything up to the empty line, which finish() writes behind `lines`.
  void end_of_fields() noexcept { write_to(head_.size - 2); }
  void finish(Lines& lines) noexcept {
    if (lines.empty()) {
      out_.run({head_.base + head_.size - 2, 2});
    } else {
      lines.put("\r\n");
      lines.flush();
    }
  }

 private:
  void write_to(std::uint32_t end) noexcept {
    if (end > begin_) out_.run({head_.base + begin_, end - begin_});
    begin_ = end;
  }

  const http::Head& head_;
  SliceWriter& out_;
  std::uint32_t begin_;
};

// Fields that belong to a connection or delimit the message; a route cannot edit them.
bool is_editable(FieldId id) noexcept {
  switch (id) {
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::host:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return false;
    default: return true;
  }
}

// The edits of a route, as far as they are allowed.
class Edits {
 public:
  explicit Edits(const HeaderEdit* edit) noexcept : edit_(edit && !edit->empty() ? edit : nullptr) {}

  // Whether lines of that name are taken out, received ones and weir's own.
  bool take_out(FieldId id, std::string_view name) const noexcept { return edit_ && is_editable(id) && names(name); }
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

bool has_token(std::string_view list, std::string_view wanted) noexcept {
  while (!list.empty())
    if (http::equal_ignoring_case(http::next_element(list), wanted)) return true;
  return false;
}

bool is_decimal(std::string_view text, std::uint64_t number) noexcept {
  std::array<char, 20> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return text == std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

// The version in a start line can be kept if it is HTTP/1.1, not merely treated as that.
bool is_1_1(const char* last_of_version) noexcept { return *last_of_version == '1'; }

// Decides about received framing lines: kept where they say what weir would write.
class FramingLines {
 public:
  FramingLines(const http::Head& head, const BodyPlan& plan) noexcept : head_(head), plan_(plan) {}

  bool keep(const Field& field) noexcept {
    if (field.id == FieldId::trailer)  // a body that is no longer chunked has no trailers
      return head_.framing != Framing::chunked || plan_.framing == Framing::chunked;
    if (written_) return false;
    if (field.id == FieldId::transfer_encoding) {
      written_ = plan_.framing == Framing::chunked && http::equal_ignoring_case(head_.value(field), "chunked");
    } else {
      written_ = plan_.framing == Framing::length && is_decimal(head_.value(field), plan_.length);
    }
    return written_;
  }
  void write(Lines& lines) const noexcept {
    if (written_) return;
    if (plan_.framing == Framing::chunked) lines.put("Transfer-Encoding: chunked\r\n");
    if (plan_.framing != Framing::length) return;
    lines.put("Content-Length: ");
    lines.number(plan_.length);
    lines.put("\r\n");
  }

 private:
  const http::Head& head_;
  const BodyPlan& plan_;
  bool written_ = false;
};

void put_via(const http::Head& head, Lines& lines) noexcept {
  lines.put(head.minor_version == 0 ? "Via: 1.0 weir\r\n" : "Via: 1.1 weir\r\n");
}

// Whether an untrusted peer's field claims something about the way a request came that an upstream may believe.
bool is_forwarding_claim(std::string_view name) noexcept {
  constexpr std::string_view prefix = "x-forwarded-";
  return name.size() > prefix.size() && (name[0] | 0x20) == 'x' &&
         http::equal_ignoring_case(name.substr(0, prefix.size()), prefix);
}

class RequestWriter {
 public:
  RequestWriter(const ForwardRequest& request, SliceWriter& out) noexcept
      : request_(request),
        head_(*request.head),
        out_(out),
        edits_(request.edit),
        lines_(out),
        plan_(request.body),
        framing_(head_, plan_) {
    // A length of 0 and no body are the same; the line is kept if there is one.
    if (plan_.framing == Framing::none && head_.framing == Framing::length && head_.content_length == 0)
      plan_ = {Framing::length, 0};
  }

  void write() noexcept {
    choose_host();
    Runs runs(head_, out_, write_request_line());
    if (new_host_) out_.field("Host", host_);
    for (std::uint16_t i = 0; i < head_.field_count; ++i) {
      const Field& field = head_.fields[i];
      if (!keep(field)) runs.drop(field);
    }
    runs.end_of_fields();
    append();
    runs.finish(lines_);
  }

 private:
  bool keep(const Field& field) noexcept;
  bool keep_forwarding(const Field& field) noexcept;
  void choose_host() noexcept;
  std::uint32_t write_request_line() noexcept;
  void write_target(std::string_view target) noexcept;
  std::string_view origin_form() const noexcept;
  void append() noexcept;
  void append_x_forwarded() noexcept;
  void append_forwarded() noexcept;
  void put_forwarded_value(std::string_view value) noexcept;
  void put_received(FieldId id) noexcept;
  bool received(FieldId id) const noexcept { return (seen_ >> static_cast<unsigned>(id) & 1) != 0; }
  bool is_ip_client() const noexcept {
    return request_.client && (request_.client->family == Family::ipv4 || request_.client->family == Family::ipv6);
  }

  const ForwardRequest& request_;
  const http::RequestHead& head_;
  SliceWriter& out_;
  Edits edits_;
  Lines lines_;
  BodyPlan plan_;
  FramingLines framing_;
  std::string_view host_;
  bool new_host_ = false;
  bool te_trailers_ = false;
  std::uint32_t seen_ = 0;  // forwarding fields of a trusted peer, by FieldId
};

void RequestWriter::choose_host() noexcept {
  const Field* received_host = head_.find(FieldId::host);
  host_ = request_.host.empty() ? edits_.host() : request_.host;
  if (!host_.empty()) {
    new_host_ = true;
  } else if (!received_host ||
             (head_.form == http::TargetForm::absolute && head_.value(*received_host) != head_.authority)) {
    host_ = head_.authority;
    new_host_ = true;
  }
}

// The origin form of an absolute target: what follows the authority, or the "*" it stands for (RFC 9112 section 3.2.4).
std::string_view RequestWriter::origin_form() const noexcept {
  const char* begin = head_.authority.data() + head_.authority.size();
  const char* end = head_.target.data() + head_.target.size();
  return {begin, static_cast<std::size_t>(end - begin)};
}

// Writes what differs from the received line; returns the offset from which on received bytes are passed on.
std::uint32_t RequestWriter::write_request_line() noexcept {
  const std::string_view target = request_.target.empty() ? head_.target : request_.target;
  const bool same = target == head_.target;
  const std::uint32_t version_end = head_.start_line_end - 2;
  if (same && head_.form != http::TargetForm::absolute) {
    if (is_1_1(head_.base + version_end - 1)) return 0;
    out_.run({head_.base, version_end - 1});
    out_.copy("1\r\n");
    return head_.start_line_end;
  }
  out_.run({head_.base, head_.method_text.size() + 1});
  if (!same) {
    write_target(target);
  } else if (const std::string_view origin = origin_form(); origin.empty()) {
    out_.copy(head_.method == http::Method::options ? "*" : "/");
  } else {
    if (origin.front() == '?') out_.copy("/");
    out_.run(origin);
  }
  out_.copy(" HTTP/1.1\r\n");
  return head_.start_line_end;
}

void RequestWriter::write_target(std::string_view target) noexcept {
  target.size() > copied_at_most ? out_.run(target) : out_.copy(target);
}

bool RequestWriter::keep_forwarding(const Field& field) noexcept {
  if (!request_.client_trusted) return false;
  seen_ |= std::uint32_t{1} << static_cast<unsigned>(field.id);
  if (edits_.take_out(head_.name(field))) return false;
  switch (field.id) {
    case FieldId::x_forwarded_for: return !request_.rules->x_forwarded || !is_ip_client();  // else written as one line
    case FieldId::forwarded: return !request_.rules->forwarded;
    case FieldId::x_request_id: return request_.request_id.empty();
    default: return true;
  }
}

bool RequestWriter::keep(const Field& field) noexcept {
  switch (field.id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::proxy_authorization: return false;
    case FieldId::te: te_trailers_ |= has_token(head_.value(field), "trailers"); return false;
    case FieldId::content_length:
    case FieldId::trailer:
    case FieldId::transfer_encoding: return framing_.keep(field);
    case FieldId::upgrade: return request_.upgrade;
    case FieldId::host: return !new_host_;
    case FieldId::forwarded:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_host:
    case FieldId::x_forwarded_proto:
    case FieldId::x_real_ip:
    case FieldId::x_request_id: return keep_forwarding(field);
    default: break;
  }
  if (field.named_by_connection) return false;
  const std::string_view name = head_.name(field);
  if (field.id == FieldId::other && !request_.client_trusted && is_forwarding_claim(name)) return false;
  return !edits_.take_out(field.id, name);
}

void RequestWriter::append() noexcept {
  const Forwarding& rules = *request_.rules;
  if (rules.x_forwarded) append_x_forwarded();
  if (rules.forwarded && !edits_.take_out("Forwarded")) append_forwarded();
  if (rules.via && !edits_.take_out("Via")) put_via(head_, lines_);
  if (!request_.request_id.empty() && !edits_.take_out("X-Request-ID"))
    lines_.line("X-Request-ID", request_.request_id);
  edits_.write(lines_);
  if (te_trailers_) lines_.put("TE: trailers\r\n");
  if (te_trailers_ || request_.upgrade)
    lines_.put(!te_trailers_      ? "Connection: upgrade\r\n"
               : request_.upgrade ? "Connection: TE, upgrade\r\n"
                                  : "Connection: TE\r\n");
  framing_.write(lines_);
}

// The values of all received lines of that field, each with a comma behind it.
void RequestWriter::put_received(FieldId id) noexcept {
  if (!received(id)) return;
  for (std::uint16_t i = 0; i < head_.field_count; ++i) {
    const std::string_view value = head_.fields[i].id == id ? head_.value(head_.fields[i]) : std::string_view{};
    if (value.empty()) continue;
    lines_.put(value);
    lines_.put(", ");
  }
}

void RequestWriter::append_x_forwarded() noexcept {
  if (is_ip_client() && !edits_.take_out("X-Forwarded-For")) {
    std::array<char, max_ip_text> ip;
    lines_.put("X-Forwarded-For: ");
    put_received(FieldId::x_forwarded_for);
    lines_.put(peer_ip(*request_.client, ip.data()));
    lines_.put("\r\n");
  }
  if (!received(FieldId::x_forwarded_proto) && !edits_.take_out("X-Forwarded-Proto"))
    lines_.line("X-Forwarded-Proto", request_.scheme);
  if (!received(FieldId::x_forwarded_host) && !head_.authority.empty() && !edits_.take_out("X-Forwarded-Host"))
    lines_.line("X-Forwarded-Host", head_.authority);
}

// A token as it is, anything else as a quoted string (RFC 7239 section 4).
void RequestWriter::put_forwarded_value(std::string_view value) noexcept {
  if (http::is_token(value)) {
    lines_.put(value);
    return;
  }
  lines_.put("\"");
  std::size_t begin = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '"' && value[i] != '\\') continue;
    lines_.put(value.substr(begin, i - begin));
    lines_.put("\\");
    begin = i;
  }
  lines_.put(value.substr(begin));
  lines_.put("\"");
}

void RequestWriter::append_forwarded() noexcept {
  lines_.put("Forwarded: ");
  put_received(FieldId::forwarded);
  lines_.put("for=");
  if (is_ip_client()) {
    std::array<char, max_ip_text> room;
    const std::string_view ip = peer_ip(*request_.client, room.data());
    const bool bracketed = ip.find(':') != ip.npos;
    if (bracketed) lines_.put("\"[");
    lines_.put(ip);
    if (bracketed) lines_.put("]\"");
  } else {
    lines_.put("unknown");
  }
  lines_.put(";proto=");
  lines_.put(request_.scheme);
  if (!head_.authority.empty()) {
    lines_.put(";host=");
    put_forwarded_value(head_.authority);
  }
  lines_.put("\r\n");
}

class ResponseWriter {
 public:
  ResponseWriter(const ForwardResponse& response, SliceWriter& out) noexcept
      : response_(response),
        head_(*response.head),
        out_(out),
        // An interim response is about the connection or in advance: the final one is what a route edits.
        edits_(head_.status >= 200 || head_.status == 101 ? response.edit : nullptr),
        lines_(out),
        plan_(response.body),
        framing_(head_, plan_) {
    const bool may_have_length = head_.status >= 200 && head_.status != 204;
    if (plan_.framing == Framing::none && may_have_length && !response.keep_length &&
        head_.framing == Framing::length && head_.content_length == 0)
      plan_ = {Framing::length, 0};
  }

  void write() noexcept {
    Runs runs(head_, out_, write_status_line());
    for (std::uint16_t i = 0; i < head_.field_count; ++i) {
      const Field& field = head_.fields[i];
      if (!keep(field)) runs.drop(field);
    }
    runs.end_of_fields();
    append();
    runs.finish(lines_);
  }

 private:
  // "HTTP/1.x" is eight bytes.
  std::uint32_t write_status_line() noexcept {
    if (is_1_1(head_.base + 7)) return 0;
    out_.copy("HTTP/1.1");
    return 8;
  }

  bool keep(const Field& field) noexcept {
    switch (field.id) {
      case FieldId::connection:
      case FieldId::keep_alive:
      case FieldId::proxy_authenticate:
      case FieldId::proxy_connection:
      case FieldId::te: return false;
      case FieldId::content_length: return response_.keep_length || framing_.keep(field);
      case FieldId::transfer_encoding:
        return response_.keep_length ? response_.client_minor_version > 0 : framing_.keep(field);
      case FieldId::trailer: return response_.keep_length || framing_.keep(field);
      case FieldId::upgrade: return response_.upgrade;
      case FieldId::x_request_id:
        if (!response_.request_id.empty()) return false;
        break;
      default: break;
    }
    return !field.named_by_connection && !edits_.take_out(field.id, head_.name(field));
  }

  void append() noexcept {
    if (response_.rules->via && !edits_.take_out("Via")) put_via(head_, lines_);
    if (!response_.request_id.empty() && !edits_.take_out("X-Request-ID"))
      lines_.line("X-Request-ID", response_.request_id);
    edits_.write(lines_);
    if (response_.upgrade) {
      lines_.put("Connection: upgrade\r\n");
    } else if (response_.close) {
      lines_.put("Connection: close\r\n");
    } else if (response_.keep_alive_1_0) {
      lines_.put("Connection: keep-alive\r\n");
    }
    if (!response_.keep_length) framing_.write(lines_);
  }

  const ForwardResponse& response_;
  const http::ResponseHead& head_;
  SliceWriter& out_;
  Edits edits_;
  Lines lines_;
  BodyPlan plan_;
  FramingLines framing_;
};

// One element of X-Forwarded-For: an address, also with a port ("192.0.2.1:80", "[2001:db8::1]:80").
std::optional<Address> parse_hop(std::string_view text) noexcept {
  if (const std::optional<Address> ip = parse_ip(text)) return ip;
  if (!text.empty() && text.front() == '[') return parse_ip(text.substr(1, text.find(']') - 1));
  return parse_ip(text.substr(0, text.find(':')));
}

// Host names and addresses have no port in a location: the listener's would be wrong behind another scheme.
std::string_view without_port(std::string_view host) noexcept {
  const std::size_t bracket = host.find(']');
  return host.substr(0, host.find(':', bracket == host.npos ? 0 : bracket));
}

// Bytes that must not stand in a field value or would end a URI are percent-encoded.
void put_uri_text(std::string_view text, Lines& lines) noexcept {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte > 0x20 && byte < 0x7f) continue;
    lines.put(text.substr(begin, i - begin));
    const char escape[] = {'%', hex[byte >> 4], hex[byte & 15]};
    lines.put({escape, sizeof escape});
    begin = i + 1;
  }
  lines.put(text.substr(begin));
}

}  // namespace

void write_request_head(const ForwardRequest& request, SliceWriter& out) noexcept {
  RequestWriter(request, out).write();
}

void write_response_head(const ForwardResponse& response, SliceWriter& out) noexcept {
  ResponseWriter(response, out).write();
}

bool is_trusted(const Address& peer, const Forwarding& rules) noexcept {
  for (const AddressBlock& block : rules.trusted_proxies)
    if (block.contains(peer)) return true;
  return false;
}

Address client_of(const http::RequestHead& head, const Address& peer, const Forwarding& rules) noexcept {
  Address client = peer;
  if (!is_trusted(peer, rules)) return client;
  for (std::uint16_t i = head.field_count; i-- > 0;) {
    if (head.fields[i].id != FieldId::x_forwarded_for) continue;
    std::string_view rest = head.value(head.fields[i]);
    while (!rest.empty()) {
      const std::size_t comma = rest.rfind(',');
      const std::string_view element = http::trim_ows(comma == rest.npos ? rest : rest.substr(comma + 1));
      rest = rest.substr(0, comma == rest.npos ? 0 : comma);
      if (element.empty()) continue;
      const std::optional<Address> hop = parse_hop(element);
      if (!hop) return client;  // whatever is further left was not written by anyone trusted
      client = *hop;
      if (!is_trusted(client, rules)) return client;
    }
  }
  return client;
}

void write_location(std::string_view location, const RedirectContext& context, SliceWriter& out) noexcept {
  Lines lines(out);
  bool first = true;
  const std::string_view query = context.query.substr(context.query.starts_with('?') ? 1 : 0);
  const auto put_path = [&] {
    std::string_view path = context.path;
    while (first && path.starts_with("//")) path.remove_prefix(1);
    put_uri_text(path, lines);
  };
  while (!location.empty()) {
    const std::size_t mark = location.find("${");
    put_uri_text(location.substr(0, mark), lines);
    if (mark == location.npos) break;
    first = first && mark == 0;
    location.remove_prefix(mark);
    const std::size_t end = location.find('}');
    const std::string_view name = end == location.npos ? std::string_view{} : location.substr(2, end - 2);
    if (name == "scheme") {
      put_uri_text(context.scheme, lines);
    } else if (name == "host") {
      put_uri_text(without_port(context.host), lines);
    } else if (name == "path") {
      put_path();
    } else if (name == "query") {
      put_uri_text(query, lines);
    } else if (name == "uri") {
      put_path();
      if (!query.empty()) lines.put("?");
      put_uri_text(query, lines);
    } else {  // not a variable
      lines.put("${");
      location.remove_prefix(2);
      first = false;
      continue;
    }
    first = false;
    location.remove_prefix(end + 1);
  }
  lines.flush();
}

}  // namespace weir::proxy
