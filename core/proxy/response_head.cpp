#include "core/proxy/forwarding.hpp"
#include "core/proxy/head_lines.hpp"

namespace weir::proxy {
namespace {

using http::Field;
using http::FieldId;
using http::Framing;
using http::SliceWriter;

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
    if (plan_.framing == Framing::none && has_framing() && !response.keep_length && head_.framing == Framing::length &&
        head_.content_length == 0)
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

  // Responses that say nothing about a body, not even its length (RFC 9110 section 8.6, RFC 9112 section 6.1).
  bool has_framing() const noexcept { return head_.status >= 200 && head_.status != 204; }

  bool keep(const Field& field) noexcept {
    switch (field.id) {
      case FieldId::connection:
      case FieldId::keep_alive:
      case FieldId::proxy_authenticate:
      case FieldId::proxy_connection:
      case FieldId::te: return false;
      case FieldId::content_length: return has_framing() && (response_.keep_length || framing_.keep(field));
      case FieldId::transfer_encoding:
        return has_framing() && (response_.keep_length ? response_.client_minor_version > 0 : framing_.keep(field));
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

}  // namespace

void write_response_head(const ForwardResponse& response, SliceWriter& out) noexcept {
  ResponseWriter(response, out).write();
}

}  // namespace weir::proxy
