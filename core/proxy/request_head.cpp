#include <array>

#include "core/proxy/forwarding.hpp"
#include "core/proxy/head_lines.hpp"
#include "core/proxy/text_out.hpp"

namespace weir::proxy {
namespace {

using http::Field;
using http::FieldId;
using http::Framing;
using http::SliceWriter;

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
    std::uint32_t begin = write_request_line();
    if (new_host_) {
      if (begin == 0) out_.append_view({head_.base, head_.start_line_end});
      begin = head_.start_line_end;
      out_.field("Host", host_);
    }
    Runs runs(head_, out_, begin);
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
  bool is_server_wide(std::string_view target) const noexcept;
  void append() noexcept;
  void append_x_forwarded() noexcept;
  void append_forwarded() noexcept;
  void put_forwarded_value(std::string_view value) noexcept;
  void put_received(FieldId id) noexcept;
  bool received(FieldId id) const noexcept { return (seen_ >> static_cast<unsigned>(id) & 1) != 0; }
  bool is_ip_client() const noexcept { return request_.client && request_.client->has_port(); }

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

// "OPTIONS http://host" is about the server, though its path counts as "/" (RFC 9112 section 3.2.4).
bool RequestWriter::is_server_wide(std::string_view target) const noexcept {
  return head_.form == http::TargetForm::absolute && head_.method == http::Method::options && target == "/" &&
         origin_form().empty();
}

// Writes what differs from the received line; returns the offset from which on received bytes are passed on.
std::uint32_t RequestWriter::write_request_line() noexcept {
  const std::string_view target = request_.target.empty() ? head_.target : request_.target;
  const bool same = target == head_.target || is_server_wide(target);
  const std::uint32_t version_end = head_.start_line_end - 2;
  if (same && head_.form != http::TargetForm::absolute) {
    if (is_1_1(head_.base + version_end - 1)) return 0;
    out_.append_view({head_.base, version_end - 1});
    out_.copy("1\r\n");
    return head_.start_line_end;
  }
  out_.append_view({head_.base, head_.method_text.size() + 1});
  if (!same) {
    write_target(target);
  } else if (const std::string_view origin = origin_form(); origin.empty()) {
    out_.copy(head_.method == http::Method::options ? "*" : "/");
  } else {
    if (origin.front() == '?') out_.copy("/");
    out_.append_view(origin);
  }
  out_.copy(" HTTP/1.1\r\n");
  return head_.start_line_end;
}

void RequestWriter::write_target(std::string_view target) noexcept {
  target.size() > copied_at_most ? out_.append_view(target) : out_.copy(target);
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

}  // namespace

void write_request_head(const ForwardRequest& request, SliceWriter& out) noexcept {
  RequestWriter(request, out).write();
}

}  // namespace weir::proxy
