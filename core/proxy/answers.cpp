// weir's own answers: errors, configured responses, redirects. Each is one send.
#include "core/proxy/error_page.hpp"
#include "core/proxy/exchange.hpp"
#include "core/proxy/redirect.hpp"

namespace weir::proxy {
namespace {

void put_edits(const HeaderEdit& edit, http::SliceWriter& out) noexcept {
  for (const auto* list : {&edit.set, &edit.add})
    for (const HeaderEdit::Line& line : *list) out.field(line.name, line.value);
}

}  // namespace

http::SliceWriter& Exchange::begin_answer() noexcept {
  http::SliceWriter& lines = answer_.open(engine.reactor.buffers());
  if (!spec().server_name.empty()) lines.field("Server", spec().server_name);
  lines.field("Date", engine.http_date());
  return lines;
}

// The lines are in answer_. The client stream sees to framing, and to what becomes of the connection.
Task<void> Exchange::send_answer(std::uint16_t status, std::string_view body) {
  ResponsePlan plan;
  plan.status = status;
  plan.lines = answer_->join();
  plan.request_id = request_id_;
  plan.framing = http::Framing::length;
  plan.length = body.size();
  const bool sends_body = status >= 200 && status != 204 && status != 304 &&
                          !(has_head_ && client.head().method == http::Method::head);
  if (!sends_body) body = {};
  BodyPart part;
  part.pieces = {&body, body.empty() ? std::size_t{0} : std::size_t{1}};
  part.size = body.size();
  part.last = true;

  status_ = status;
  client.deadline().forget_half_close();
  client.deadline().enter(Phase::body, engine.timeouts().idle);
  awaited = Side::client;
  const auto sent = co_await client.respond(plan, part);
  answer_.release();
  if (sent) {
    body_out_ = body.size();
  } else {
    cut_off(cut_of_client(sent.error()));
    ending_ = facts_of(cut_).ending;
  }
  finish(sent.has_value());
}

Task<void> Exchange::answer_error(std::uint16_t status, Ending ending) {
  ending_ = ending;
  const PageKind kind = has_head_ ? choose_page(client.head()) : PageKind::text;
  ErrorPage content;
  content.status = status;
  content.detail = default_detail(status);
  if (ending == Ending::bad_request && !word_.empty()) {
    const std::string_view detail = keep_text("The request is malformed: ", word_, ".");
    if (!detail.empty()) content.detail = detail;
  }
  content.request_id = request_id_;
  std::array<char, max_error_page> page;
  const std::size_t size = write_error_page(kind, content, page.data());
  http::SliceWriter& lines = begin_answer();
  if (status == 503) lines.field("Retry-After", "1");
  if (status == 405) lines.field("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
  if (size > 0) lines.field("Content-Type", content_type(kind));
  auto sending = send_answer(status, {page.data(), size});
  co_await sending;
}

Task<void> Exchange::answer_respond(const Respond& respond) {
  ending_ = Ending::responded;
  http::SliceWriter& lines = begin_answer();
  put_edits(respond.headers, lines);
  put_edits(route->response_headers, lines);
  if (!respond.body.empty()) lines.field("Content-Type", respond.content_type);
  return send_answer(respond.status, respond.body);
}

Task<void> Exchange::answer_redirect(const Redirect& redirect) {
  ending_ = Ending::responded;
  RedirectContext context;
  context.scheme = client.info().scheme;
  context.host = host_;
  context.host_port = client.head().authority;
  context.path = path_;
  context.query = client.head().query;
  http::SliceWriter& lines = begin_answer();
  lines.copy("Location: ");
  write_location(redirect.location, context, lines);
  lines.copy("\r\n");
  put_edits(route->response_headers, lines);
  return send_answer(redirect.status, {});
}

}  // namespace weir::proxy
