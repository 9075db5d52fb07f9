#include "tests/sim/scripted_upstream.hpp"

#include "core/proxy/upstream/upstream.hpp"

namespace weir::sim {

using proxy::Cut;

ScriptedUpstream::ScriptedUpstream(Reactor& reactor, Trace& trace, std::string name, bool kept)
    : tunnel(trace, name), reactor_(reactor), trace_(trace), name_(std::move(name)), kept_(kept) {}

void ScriptedUpstream::say(std::string_view what) {
  trace_.add(name_ + ": " + std::string(what));
  if (finished > 0) trace_.add(name_ + ": touched after finish");
}

// ---- what the upstream does -----------------------------------------------------------------------------------------

void ScriptedUpstream::respond(std::string_view head) {
  answered_ = true;
  heads_.give({std::string(head) + "\r\n\r\n"});
}

void ScriptedUpstream::give_some_of_a_head() {
  answered_ = true;
  heads_.give({});
}

void ScriptedUpstream::break_head(Cut why, std::string_view word) {
  answered_ = true;
  heads_.give({{}, why, word});
}

void ScriptedUpstream::give(std::string_view data, bool last, std::string_view trailers) {
  moved_ = reactor_.now();
  parts_.inbox.give({std::string(data), last, std::string(trailers)});
}

void ScriptedUpstream::end_by_close() { parts_.inbox.end_with({{}, true, {}, Cut::none, true}); }
void ScriptedUpstream::close() { end(Cut::upstream_closed, Errc::broken_pipe); }
void ScriptedUpstream::reset() { end(Cut::upstream_reset, Errc::connection_reset); }

void ScriptedUpstream::end(Cut why, const Error& error) {
  connects.break_with(error);
  sends.break_with(error);
  heads_.end_with({{}, why});
  parts_.inbox.end_with({{}, false, {}, why});
  tunnel.break_with(error);
}

// ---- what the exchange asks -----------------------------------------------------------------------------------------

bool ScriptedUpstream::start_connect(const Address&, std::coroutine_handle<> waiter) noexcept {
  say("connect");
  return connects.start(waiter);
}

bool ScriptedUpstream::lay_out(const proxy::ForwardRequest& plan, const proxy::BodyPart& first) noexcept {
  method_ = plan.head->method;
  say("request " + std::string(plan.head->method_text) + " " + std::string(plan.target) + ": " + text_of(first));
  return true;
}

bool ScriptedUpstream::lay_out(const proxy::BodyPart& part) noexcept {
  say("write " + text_of(part));
  return true;
}

bool ScriptedUpstream::start_send(std::coroutine_handle<> waiter) noexcept {
  WEIR_VERIFY(!sends.waits());
  return sends.start(waiter);
}

Result<void> ScriptedUpstream::take_sent() noexcept {
  const Result<void> sent = sends.take();
  if (sent) moved_ = reactor_.now();
  return sent;
}

bool ScriptedUpstream::can_read_head() noexcept {
  reads_head_ = true;
  return heads_.ready();
}

bool ScriptedUpstream::can_read() noexcept {
  reads_head_ = false;
  return has_part();
}

void ScriptedUpstream::wait_read(std::coroutine_handle<> waiter) noexcept {
  WEIR_VERIFY(!heads_.waits() && !parts_.inbox.waits());
  if (reads_head_) heads_.wait(waiter);
  else parts_.inbox.wait(waiter);
}

proxy::HeadRead ScriptedUpstream::take_head() noexcept {
  current_ = heads_.take();
  proxy::HeadRead read;
  read.cut = current_.cut;
  read.word = current_.word;
  if (current_.text.empty()) return read;
  parser_.reset(limits_, method_);
  WEIR_VERIFY(parser_.parse(current_.text) == http::Parse::complete);
  read.head = &parser_.head();
  say("head " + std::to_string(read.head->status));
  if (read.head->status >= 200 && read.head->framing == http::Framing::none) parts_.inbox.end_with({{}, true});
  return read;
}

proxy::PartRead ScriptedUpstream::take_part() noexcept {
  const proxy::PartRead read = parts_.take();
  say(read.cut == Cut::none ? "read " + text_of(read.part) : "read is cut");
  return read;
}

void ScriptedUpstream::taken() noexcept { say("taken"); }

void ScriptedUpstream::pin_to(proxy::PinnedLinks&) noexcept { say("pinned to the client"); }

void ScriptedUpstream::cancel(Direction direction) noexcept {
  say(direction == Direction::in ? "cancel in" : direction == Direction::out ? "cancel out" : "cancel");
  if (direction != Direction::out) {
    heads_.cancel({{}, Cut::upstream_closed});
    parts_.inbox.cancel({{}, false, {}, Cut::upstream_closed});
  }
  if (direction != Direction::in) {
    connects.cancel();
    sends.cancel();
  }
}

RelayEnd& ScriptedUpstream::tunnel_end() noexcept { return tunnel; }

void ScriptedUpstream::finish(bool complete) noexcept {
  if (connects.waits() || sends.waits() || heads_.waits() || parts_.inbox.waits()) say("finished while something is under way");
  say(complete ? "finish whole" : "finish cut");
  ++finished;
}

// ---- where they come from -------------------------------------------------------------------------------------------

ScriptedUpstream& ScriptedSource::make(std::size_t endpoint, bool kept) {
  std::string name(1, static_cast<char>('a' + endpoint));
  if (const int count = ++made_[endpoint]; count > 1) name += std::to_string(count);
  auto& stream = *streams_.emplace_back(std::make_unique<ScriptedUpstream>(reactor_, trace_, std::move(name), kept));
  stream.sends.held = holds_sends;
  stream.connects.held = holds_connects;
  if (const auto error = connect_errors.find(endpoint); error != connect_errors.end()) stream.connects.break_with(error->second);
  return stream;
}

proxy::UpstreamStream* ScriptedSource::take_kept(proxy::Endpoint& endpoint, proxy::Reuse) noexcept {
  int& count = kept_[endpoint.index()];
  if (count == 0) return nullptr;
  --count;
  ScriptedUpstream& stream = make(endpoint.index(), true);
  trace_.add("source: kept " + stream.name());
  return &stream;
}

Result<proxy::UpstreamStream*> ScriptedSource::open(proxy::Endpoint& endpoint, const Address&) noexcept {
  if (open_failures_ > 0) {
    --open_failures_;
    trace_.add("source: open fails");
    return std::unexpected(open_error_);
  }
  ScriptedUpstream& stream = make(endpoint.index(), false);
  trace_.add("source: open " + stream.name());
  return &stream;
}

bool ScriptedSource::make_room() noexcept {
  trace_.add(has_room ? "source: makes room" : "source: has no room");
  return has_room;
}

}  // namespace weir::sim
