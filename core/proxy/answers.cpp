// weir's own answers: errors, configured responses, redirects. Each is one send.
#include "core/proxy/connection.hpp"
#include "core/proxy/engine.hpp"
#include "core/proxy/error_page.hpp"
#include "core/proxy/exchange.hpp"

namespace weir::proxy {

namespace {

bool has_body(std::uint16_t status) noexcept { return status >= 200 && status != 204 && status != 304; }

}  // namespace

void Exchange::begin_answer(std::uint16_t status) noexcept {
  status_ = status;
  if (head_complete_ && streams_body_ && !upload_done_) {  // the body is not read: the connection cannot be used again
    client_.keep = false;
    client_.linger = true;
  }
  to_client_.open(engine_.reactor.buffers());
  to_client_->copy("HTTP/1.1 ");
  to_client_->number(status);
  to_client_->copy(" ");
  to_client_->copy(http::reason_phrase(status));
  to_client_->copy("\r\n");
  if (!engine_.spec().server_name.empty()) to_client_->field("Server", engine_.spec().server_name);
  to_client_->field("Date", engine_.http_date());
}

void Exchange::end_answer_head(std::uint64_t body_size, std::string_view content_type) noexcept {
  if (has_body(status_)) {
    if (body_size > 0) to_client_->field("Content-Type", content_type);
    to_client_->copy("Content-Length: ");
    to_client_->number(body_size);
    to_client_->copy("\r\n");
  }
  if (!request_id_.empty()) to_client_->field("X-Request-ID", request_id_);
  if (!client_.keep || engine_.draining) {
    client_.keep = false;
    to_client_->field("Connection", "close");
  } else if (request_.head().minor_version == 0) {
    to_client_->field("Connection", "keep-alive");
  }
  to_client_->copy("\r\n");
}

Task<void> Exchange::send_answer(std::string_view body) {
  const bool with_body = has_body(status_) && !(head_complete_ && request_.head().method == http::Method::head);
  if (with_body && !body.empty()) {
    to_client_->append_view(body);
    body_out_ = body.size();
  }
  client_.enter(Phase::body, engine_.timeouts().idle);
  response_started_ = true;
  auto sent = co_await client_.stream.send(to_client_->slices());
  if (!sent) {
    client_.keep = false;
    client_.linger = false;
    ending_ = client_.stopped() ? Ending::stopped : client_.timed_out() ? Ending::client_timeout : Ending::client_closed;
  }
}

Task<void> Exchange::answer_error(std::uint16_t status, Ending ending) {
  ending_ = ending;
  const PageKind kind = choose_page(head_complete_ ? request_.head().value_of(http::FieldId::accept) : std::string_view{});
  std::array<char, max_error_page> page;
  ErrorPage content;
  content.status = status;
  content.detail = default_detail(status);
  if (!refusal_.empty()) {
    const std::string_view detail = keep_text("The request is malformed: ", refusal_, ".");
    if (!detail.empty()) content.detail = detail;
  }
  content.request_id = request_id_;
  const std::size_t size = write_error_page(kind, content, page.data());
  begin_answer(status);
  if (status == 503) to_client_->field("Retry-After", "1");
  if (status == 405) to_client_->field("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
  end_answer_head(size, content_type(kind));
  auto sending = send_answer({page.data(), size});
  co_await sending;
}

Task<void> Exchange::answer_respond(const Respond& respond) {
  ending_ = Ending::responded;
  begin_answer(respond.status);
  for (const HeaderEdit* edit : {&respond.headers, &route_->response_headers}) {
    for (const HeaderEdit::Line& line : edit->set) to_client_->field(line.name, line.value);
    for (const HeaderEdit::Line& line : edit->add) to_client_->field(line.name, line.value);
  }
  end_answer_head(respond.body.size(), respond.content_type);
  auto sending = send_answer(respond.body);
  co_await sending;
}

Task<void> Exchange::answer_redirect(const Redirect& redirect) {
  ending_ = Ending::responded;
  const http::RequestHead& head = request_.head();
  RedirectContext context;
  context.scheme = "http";
  context.host = host_;
  context.path = path_;
  context.query = head.query;
  begin_answer(redirect.status);
  to_client_->copy("Location: ");
  write_location(redirect.location, context, *to_client_);
  to_client_->copy("\r\n");
  for (const HeaderEdit::Line& line : route_->response_headers.set) to_client_->field(line.name, line.value);
  for (const HeaderEdit::Line& line : route_->response_headers.add) to_client_->field(line.name, line.value);
  end_answer_head(0, {});
  auto sending = send_answer({});
  co_await sending;
}

}  // namespace weir::proxy
