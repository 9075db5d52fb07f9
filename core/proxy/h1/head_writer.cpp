#include "core/proxy/h1/head_writer.hpp"

#include "core/proxy/h1/head_lines.hpp"
#include "core/proxy/head_policy.hpp"

namespace weir::proxy {
namespace {

using http::Field;
using http::FieldId;
using http::Framing;
using http::SliceWriter;

// The version in a start line can be kept if it is HTTP/1.1, not merely treated as that.
bool is_1_1(const char* last_of_version) noexcept { return *last_of_version == '1'; }

// A length of 0 and no body are the same; the line is kept if there is one.
BodyPlan settled(const http::Head& head, BodyPlan plan, bool has_framing) noexcept {
  const bool says_zero = head.framing == Framing::length && head.content_length == 0;
  return has_framing && plan.framing == Framing::none && says_zero ? BodyPlan{Framing::length, 0} : plan;
}

// ---- requests ---------------------------------------------------------------------------------------------------

// The request line: what differs from the received one is written.
class RequestLine {
 public:
  RequestLine(const http::RequestHead& head, std::string_view target, SliceWriter& out) noexcept
      : head_(head), target_(target.empty() ? head.target : target), out_(out) {}

  // Returns the offset from which on received bytes are passed on: 0, or that of the first field.
  std::uint32_t write() noexcept {
    const bool same = target_ == head_.target || is_server_wide();
    if (same && head_.form != http::TargetForm::absolute) return write_version();
    out_.append_view({head_.base, head_.method_text.size() + 1});
    same ? write_origin_form() : write_target();
    out_.copy(" HTTP/1.1\r\n");
    return head_.start_line_end;
  }

 private:
  std::uint32_t write_version() noexcept {
    const std::uint32_t version_end = head_.start_line_end - 2;
    if (is_1_1(head_.base + version_end - 1)) return 0;
    out_.append_view({head_.base, version_end - 1});
    out_.copy("1\r\n");
    return head_.start_line_end;
  }
  void write_target() noexcept {
    target_.size() > GatheredText::copied_at_most ? out_.append_view(target_) : out_.copy(target_);
  }
  void write_origin_form() noexcept {
    const std::string_view origin = origin_form();
    if (origin.empty()) {
      out_.copy(head_.method == http::Method::options ? "*" : "/");
      return;
    }
    if (origin.front() == '?') out_.copy("/");
    out_.append_view(origin);
  }
  // What follows the authority of an absolute target, or nothing for the "*" that it stands for.
  std::string_view origin_form() const noexcept {
    const char* begin = head_.authority.data() + head_.authority.size();
    const char* end = head_.target.data() + head_.target.size();
    return {begin, static_cast<std::size_t>(end - begin)};
  }
  // "OPTIONS http://host" is about the server, though its path counts as "/" (RFC 9112 section 3.2.4).
  bool is_server_wide() const noexcept {
    return head_.form == http::TargetForm::absolute && head_.method == http::Method::options && target_ == "/" &&
           origin_form().empty();
  }

  const http::RequestHead& head_;
  std::string_view target_;
  SliceWriter& out_;
};

class RequestSink : public h1::AddedLines {
 public:
  RequestSink(const ForwardRequest& request, SliceWriter& out) noexcept
      : AddedLines(out),
        runs_(*request.head, out),
        framing_(*request.head, settled(*request.head, request.body, true)) {}

  void pass(const Field&) noexcept {}  // what is not dropped goes on
  void drop(const Field& field) noexcept { runs_.drop(field); }
  bool keeps_host() const noexcept { return !replaces_host_; }
  bool keeps_framing(const Field& field) noexcept { return framing_.keep(field); }

  // Request line and, where it is not the received one, Host.
  void start(const ForwardRequest& request, const HostChoice& host, SliceWriter& out) noexcept {
    const http::RequestHead& head = *request.head;
    std::uint32_t begin = RequestLine(head, request.target, out).write();
    replaces_host_ = host.replaces;
    if (host.replaces) {
      if (begin == 0) out.append_view({head.base, head.start_line_end});
      begin = head.start_line_end;
      out.field("Host", host.host);
    }
    runs_.begin_at(begin);
  }
  void end_of_received() noexcept { runs_.end_of_fields(); }
  void finish(bool te, bool upgrade, bool close) noexcept {
    constexpr FixedLine both("Connection: TE, upgrade\r\n"), only_te("Connection: TE\r\n"),
        only_upgrade("Connection: upgrade\r\n");
    if (te || upgrade) line(!te ? only_upgrade : upgrade ? both : only_te);
    if (close) line(FixedLine("Connection: close\r\n"));
    framing_.write(*this);
    runs_.finish(text());
  }

 private:
  h1::Runs runs_;
  h1::FramingLines framing_;
  bool replaces_host_ = false;
};

// ---- responses --------------------------------------------------------------------------------------------------

class ResponseSink : public h1::AddedLines {
 public:
  ResponseSink(const ForwardResponse& response, SliceWriter& out) noexcept
      : AddedLines(out),
        response_(response),
        runs_(*response.head, out),
        framing_(*response.head, settled(*response.head, response.body, has_framing() && !response.keep_length)) {}

  void pass(const Field&) noexcept {}
  void drop(const Field& field) noexcept { runs_.drop(field); }
  bool keeps_host() const noexcept { return true; }  // it means nothing in a response
  bool keeps_framing(const Field& field) noexcept {
    if (field.id == FieldId::trailer) return response_.keep_length || framing_.keep(field);
    if (!has_framing()) return false;
    if (!response_.keep_length) return framing_.keep(field);
    return field.id == FieldId::content_length || response_.client_minor_version > 0;
  }

  void start(SliceWriter& out) noexcept {
    constexpr std::uint32_t version_size = 8;  // "HTTP/1.x"
    if (is_1_1(response_.head->base + version_size - 1)) return;
    out.copy("HTTP/1.1");
    runs_.begin_at(version_size);
  }
  void end_of_received() noexcept { runs_.end_of_fields(); }
  void finish() noexcept {
    if (response_.upgrade) {
      line(FixedLine("Connection: upgrade\r\n"));
    } else if (response_.close) {
      line(FixedLine("Connection: close\r\n"));
    } else if (response_.keep_alive_1_0) {
      line(FixedLine("Connection: keep-alive\r\n"));
    }
    if (!response_.keep_length) framing_.write(*this);
    runs_.finish(text());
  }

 private:
  // Responses below 200 and 204 say nothing about a body, not even its length (RFC 9110 section 8.6, RFC 9112
  // section 6.1).
  bool has_framing() const noexcept {
    const http::ResponseHead& head = *response_.head;
    return head.status >= 200 && head.status != 204 && !head.framing_ignored;
  }

  const ForwardResponse& response_;
  h1::Runs runs_;
  h1::FramingLines framing_;
};

}  // namespace

void write_request_head(const ForwardRequest& request, SliceWriter& out) noexcept {
  RequestSink sink(request, out);
  RequestPolicy<RequestSink> policy(request, sink);
  sink.start(request, choose_host(request, policy.edits()), out);
  policy.sift();
  sink.end_of_received();
  policy.add();
  sink.finish(policy.adds_te(), request.upgrade, request.close);
}

void write_response_head(const ForwardResponse& response, SliceWriter& out) noexcept {
  ResponseSink sink(response, out);
  ResponsePolicy<ResponseSink> policy(response, sink);
  sink.start(out);
  policy.sift();
  sink.end_of_received();
  policy.add();
  sink.finish();
}

}  // namespace weir::proxy
