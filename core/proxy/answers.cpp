// weir's own answers: errors, configured responses, redirects. Each is one send.
#include "core/proxy/error_page.hpp"
#include "core/proxy/exchange.hpp"
#include "core/proxy/text_out.hpp"

namespace weir::proxy {
// `of_action`: what the configured answer itself edits.
AnswerLines<http::SliceWriter> Exchange::begin_answer(const AppliedEdit& of_action) noexcept {
  if (!edits_settled_) settle_edits();  // a value that has no room here is empty: there is no better answer
  response_edits_[action_edit] = of_action;
  AnswerLines<http::SliceWriter> lines(response_edits(), answer_.open(engine.reactor.buffers()));
  if (!spec().server_name.empty()) lines.line("Server", spec().server_name);
  lines.line("Date", engine.http_date());
  return lines;
}

void Exchange::end_answer(AnswerLines<http::SliceWriter>& lines) noexcept {
  if (!request_id_.empty()) lines.line("X-Request-ID", request_id_);
  lines.add_edits();
}

// The lines are in answer_. The client stream sees to framing, and to what becomes of the connection.
Task<void> Exchange::send_answer(std::uint16_t status, std::string_view body) {
  ResponsePlan plan;
  plan.status = status;
  plan.lines = answer_->join();
  plan.framing = http::Framing::length;
  plan.length = body.size();
  const bool sends_body =
      status >= 200 && status != 204 && status != 304 && !(has_head_ && client.head().method == http::Method::head);
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
  if (!edits_settled_) settle_edits();
  if (route != nullptr && !route->edit_own_answers) response_edits_[route_edit] = {};
  AnswerLines<http::SliceWriter> lines = begin_answer();
  if (status == 503) lines.line("Retry-After", "1");
  if (status == 405) lines.line("Allow", allowed_methods());
  if (size > 0) lines.line("Content-Type", content_type(kind));
  end_answer(lines);
  auto sending = send_answer(status, {page.data(), size});
  co_await sending;
}

// Of the route that was found.
std::string_view Exchange::allowed_methods() noexcept {
  const auto allowed = [this](std::string_view method) noexcept {
    return (method != "TRACE" || may_trace()) && (method != "CONNECT" || may_connect());
  };
  std::string_view list = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";
  const auto add = [&](std::string_view method) noexcept {
    if (allowed(method)) list = list.empty() ? method : keep_text(list, ", ", method);
  };
  if (!route->methods.empty()) {
    list = {};
    for (const std::string& method : route->methods) add(method);
  } else {
    add("TRACE");
    add("CONNECT");
  }
  return list;
}

// Nobody behind weir is to get the request: OPTIONS and TRACE that may not be forwarded any more (RFC 9110
// section 7.6.2).
Task<void> Exchange::answer_last_hop() {
  ending_ = Ending::responded;
  const bool reflects = client.head().method == http::Method::trace;
  const std::string_view body = reflects ? reflected_head() : std::string_view{};
  if (reflects && body.empty()) return answer_error(431, Ending::bad_request);
  AnswerLines<http::SliceWriter> lines = begin_answer();
  reflects ? lines.line("Content-Type", "message/http") : lines.line("Allow", allowed_methods());
  end_answer(lines);
  return send_answer(200, body);
}

// The head as it was received, without what a script in a browser must not get to see (RFC 9110 section 9.3.8). Empty
// if there is no room for it.
std::string_view Exchange::reflected_head() noexcept {
  const http::RequestHead& head = client.head();
  const std::span<char> room = room_for(head.size);
  if (room.empty()) return {};
  const auto is_secret = [](std::string_view name) noexcept {
    return http::equal_ignoring_case(name, "Authorization") || http::equal_ignoring_case(name, "Cookie") ||
           http::equal_ignoring_case(name, "Proxy-Authorization");
  };
  TextOut out{room.data()};
  out.put({head.base, head.start_line_end});
  for (std::uint16_t i = 0; i < head.field_count; ++i) {
    const http::Field& field = head.fields[i];
    if (!is_secret(head.name(field))) out.put({head.base + field.name_begin, field.line_end - field.name_begin});
  }
  out.put("\r\n");
  const auto size = static_cast<std::size_t>(out.at - room.data());
  text_.commit(size);
  return {room.data(), size};
}

Task<void> Exchange::answer_respond(const Respond& respond) {
  ending_ = Ending::responded;
  AppliedEdit headers;
  const RouteTexts* texts = snapshot->texts.of_route(route_index_);
  if (!apply(respond.headers, texts ? &texts->respond_headers : nullptr, headers)) {
    word_ = "expanded-too-long";
    return answer_error(431, Ending::bad_request);
  }
  AnswerLines<http::SliceWriter> lines = begin_answer(headers);
  if (!respond.body.empty()) lines.line("Content-Type", respond.content_type);
  end_answer(lines);
  return send_answer(respond.status, respond.body);
}

Task<void> Exchange::answer_redirect(const Redirect& redirect) {
  ending_ = Ending::responded;
  const RouteTexts* texts = snapshot->texts.of_route(route_index_);
  const auto location = texts != nullptr && texts->location != nullptr ? expanded(*texts->location, Expansion::location)
                                                                       : std::string_view(redirect.location);
  if (!location) return answer_error(414, Ending::bad_request);
  AnswerLines<http::SliceWriter> lines = begin_answer();
  lines.line("Location", *location);
  end_answer(lines);
  return send_answer(redirect.status, {});
}

}  // namespace weir::proxy
