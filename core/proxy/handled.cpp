// What a handler inside the process answers, and what it is asked.
#include <exception>
#include <memory>
#include <utility>

#include "core/http/h1_parser.hpp"
#include "core/proxy/exchange.hpp"
#include "core/proxy/handler.hpp"

namespace weir::proxy {
namespace {

// A head as if an upstream had sent it (RFC 9110 section 15.2.1).
const http::ResponseHead& head_of_continue() {
  static const std::unique_ptr<const http::ResponseParser> parsed = [] {
    auto parser = std::make_unique<http::ResponseParser>();
    parser->reset(http::usual_limits, http::Method::post);
    const http::Parse verdict = parser->parse("HTTP/1.1 100 Continue\r\n\r\n");
    WEIR_VERIFY(verdict == http::Parse::complete);
    return parser;
  }();
  return parsed->head();
}

}  // namespace

Task<void> Exchange::answer_handled() {
  WEIR_VERIFY(engine.options.handler != nullptr);
  std::string body(client.whole_body());
  if (client.body() == RequestBody::streaming) {
    auto reading = read_whole_body(body);
    co_await reading;
  }
  if (is_cut()) {
    auto failing = fail();
    co_await failing;
    co_return;
  }
  HandlerRequest request;
  request.head = &client.head();
  request.path = path_;
  request.body = body;
  request.connection = client.info().connection;
  client.deadline().enter(Phase::first_byte, Duration{});  // how long it takes is the handler's own business
  client.watch(*this);
  HandlerAnswer answer;
  std::exception_ptr failed;
  try {
    auto handling = engine.options.handler->handle(request);
    answer = co_await handling;
  } catch (...) { failed = std::current_exception(); }
  Task<void> answering;
  if (is_cut()) {
    answering = fail();
  } else if (failed) {
    answering = answer_error(500, Ending::responded);
  } else {
    answering = send_handled(answer);
  }
  co_await answering;
}

// At once: what it returns is the send.
Task<void> Exchange::send_handled(const HandlerAnswer& answer) {
  ending_ = Ending::responded;
  AnswerLines<http::SliceWriter> lines = begin_answer();
  if (!answer.body.empty()) lines.line("Content-Type", answer.content_type);
  for (const HeaderEdit::Line& field : answer.fields) lines.line(field.name, field.value);
  end_answer(lines);
  return send_answer(answer.status, answer.body);
}

// Whole, or the exchange is cut.
Task<void> Exchange::read_whole_body(std::string& body) {
  const std::size_t most = route->max_body != 0 ? static_cast<std::size_t>(route->max_body) : usual_handled_body;
  client.deadline().enter(Phase::body, route->timeout.idle);
  awaited = Side::client;
  if (client.head().expect_continue) {
    ResponsePlan plan;
    plan.status = 100;
    plan.head = &head_of_continue();
    plan.rules = &spec().forwarding;
    const auto sent = co_await client.interim(plan);
    if (!sent) cut_off(cut_of_client(sent.error()));
  }
  for (bool last = false; !last && !is_cut();) {
    reads_whole_ = true;
    const PartRead read = co_await client.read_body();
    reads_whole_ = false;
    last = read.part.last;
    if (read.cut != Cut::none) {
      cut_off(read.cut, read.word);
    } else if (body.size() + read.part.size > most) {
      cut_off(Cut::body_too_large);
    } else {
      for (const std::string_view piece : read.part.pieces) body.append(piece);
    }
    client.taken();
  }
}

}  // namespace weir::proxy
