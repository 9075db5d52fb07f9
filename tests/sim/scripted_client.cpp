#include "tests/sim/scripted_client.hpp"

namespace weir::sim {

using proxy::Cut;

ScriptedClient::ScriptedClient(Reactor& reactor, const proxy::SnapshotRef& snapshot, LentTimer& timer, Trace& trace,
                               std::string_view head)
    : proxy::ClientStream(reactor, timer, pinned_), tunnel(trace, "client"), reactor_(reactor), snapshot_(snapshot), timer_(timer),
      trace_(trace), text_(head) {
  timer.lend_to(deadline());
  text_ += "\r\n\r\n";
  parser_.reset(limits_);
  WEIR_VERIFY(parser_.parse(text_) == http::Parse::complete);
  head_ = &parser_.head();
  info_.peer = &peer_;
  info_.started = info_.head_at = reactor.now();
}

void ScriptedClient::say(std::string_view what) {
  trace_.add("client: " + std::string(what));
  if (finished > 0) trace_.add("client: touched after finish");
}

// ---- what the client does -------------------------------------------------------------------------------------------

void ScriptedClient::has_whole_body(std::string_view body) {
  whole_ = body;
  body_ = proxy::RequestBody::whole;
  whole_body_ = whole_;
}

void ScriptedClient::give(std::string_view data, bool last, std::string_view trailers) {
  moved_ = reactor_.now();
  parts_.inbox.give({std::string(data), last, std::string(trailers)});
}

void ScriptedClient::cut_body(Cut why) { parts_.inbox.end_with({{}, false, {}, why}); }

void ScriptedClient::leave() {
  sends.break_with(Errc::connection_reset);
  tunnel.break_with(Errc::connection_reset);
  cut_body(Cut::client_gone);
  if (events_ != nullptr) events_->client_gone();
}

void ScriptedClient::half_close() {
  if (events_ != nullptr) events_->client_half_closed();
}

// ---- what the exchange asks -----------------------------------------------------------------------------------------

bool ScriptedClient::can_read() noexcept {
  WEIR_VERIFY(!parts_.inbox.waits());
  return has_part();
}

proxy::PartRead ScriptedClient::take_part() noexcept {
  const proxy::PartRead read = parts_.take();
  say(read.cut == Cut::none ? "read " + text_of(read.part) : "read is cut");
  return read;
}

void ScriptedClient::taken() noexcept { say("taken"); }

bool ScriptedClient::lay_out(const proxy::ResponsePlan& plan, const proxy::BodyPart& first) noexcept {
  if (responded) say("responds twice");
  too_large_ = refuses_heads && plan.head != nullptr;
  std::string text = "respond " + std::to_string(plan.status);
  if (plan.tunnel) {
    text += " tunnel";
  } else {
    text += plan.head == nullptr ? " of weir's own" : ": " + text_of(first);
  }
  if (too_large_) text += " (too large)";
  say(text);
  responded = !too_large_;
  return !too_large_;
}

bool ScriptedClient::lay_out_interim(const proxy::ResponsePlan& plan) noexcept {
  say("interim " + std::to_string(plan.status));
  return true;
}

bool ScriptedClient::lay_out(const proxy::BodyPart& part) noexcept {
  say("write " + text_of(part));
  return true;
}

bool ScriptedClient::start_send(std::coroutine_handle<> waiter) noexcept {
  WEIR_VERIFY(!sends.waits());
  return sends.start(waiter);
}

Result<void> ScriptedClient::take_sent() noexcept {
  if (std::exchange(too_large_, false)) return std::unexpected(Error(Errc::limit_exceeded));
  const Result<void> sent = sends.take();
  if (sent) moved_ = reactor_.now();
  return sent;
}

void ScriptedClient::cancel(Direction direction) noexcept {
  say(direction == Direction::in ? "cancel in" : direction == Direction::out ? "cancel out" : "cancel");
  if (direction != Direction::out) parts_.inbox.cancel({{}, false, {}, Cut::client_gone});
  if (direction != Direction::in) sends.cancel();
}

RelayEnd& ScriptedClient::tunnel_end() noexcept { return tunnel; }

void ScriptedClient::watch(Events& events) noexcept {
  say("watch");
  events_ = &events;
}

void ScriptedClient::stop_watching() noexcept {
  say("stop watching");
  events_ = nullptr;
}

void ScriptedClient::finish(bool complete) noexcept {
  if (sends.waits() || parts_.inbox.waits()) say("finished while something is under way");
  say(complete ? "finish whole" : "finish cut");
  ++finished;
  events_ = nullptr;
  reactor_.timers().disarm(timer_);
}

}  // namespace weir::sim
