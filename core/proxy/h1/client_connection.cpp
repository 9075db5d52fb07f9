#include "core/proxy/h1/client_connection.hpp"

#include "core/proxy/h1/client_side.hpp"

namespace weir::proxy::h1 {
namespace {

// A head grows into the room behind it; with less than this the bytes are moved to the front of their block first.
constexpr std::size_t worth_receiving_into = 4096;

}  // namespace

ClientConnection::ClientConnection(ClientSide& owner, std::uint32_t listener_index) noexcept
    : proxy::ClientConnection(owner.engine.reactor, listener_index), Timer(&ClientConnection::fired), side(owner) {
  stream.set_owner(this);
}

const ListenerSlots::Slot& ClientConnection::slot() const noexcept { return side.engine.listeners[listener]; }
bool ClientConnection::draining() const noexcept { return side.engine.draining(listener); }

void ClientConnection::begin() noexcept { side.engine.scope.spawn(serve()); }

Task<void> ClientConnection::serve() {
  After after = After::keep;
  while (after == After::keep && cut_ == Cut::none) {
    if (stream.input().empty() && rest()) co_return;
    if (stream.ended() && stream.input().empty()) break;  // what came before the end is still served
    stream.acknowledge_received();
    state_ = State::serving;
    side.engine.note_activity();
    request_ = side.streams.make(*this);
    http::Parse verdict = request_->parse();
    if (verdict == http::Parse::need_more) request_->deadline().enter(Phase::head, side.engine.timeouts().head);
    while (verdict == http::Parse::need_more && cut_ == Cut::none) {
      if (stream.input() && stream.input().room().size() < worth_receiving_into) stream.input().compact();
      auto got = co_await stream.receive();
      if (!got || *got == 0) break;
      verdict = request_->parse();
    }
    auto running = start(verdict);
    co_await running;
    after = end_exchange();
  }
  auto closing = close_stream(after);
  co_await closing;
  finish();
}

// What is to be awaited of the exchange that follows from what was read of a head.
Task<void> ClientConnection::start(http::Parse verdict) noexcept {
  exchange_ = side.exchanges.make(side.engine, *request_);
  if (verdict == http::Parse::complete) return exchange_->run();
  if (verdict == http::Parse::refused) return exchange_->refuse(request_->refusal());
  if (cut_ == Cut::none) cut_ = Cut::client_gone;
  const bool asked = request_->started();  // a client that has sent nothing of a request is owed nothing
  return exchange_->refuse(cut_, asked);
}

After ClientConnection::end_exchange() noexcept {
  side.exchanges.destroy(std::exchange(exchange_, nullptr));
  const After after = request_->after();
  side.streams.destroy(std::exchange(request_, nullptr));
  return after;
}

bool ClientConnection::rest() noexcept {
  // A request that came while an answer was being sent may have been served before the completion of its receive was
  // delivered: with the input empty, such a result carries no new bytes.
  stream.acknowledge_received();
  stream.input().reset();
  stream.arm();
  if (stream.has_result()) return false;
  state_ = State::resting;
  const Engine& engine = side.engine;
  end_after(draining() ? engine.spec().runtime.shutdown.idle : engine.timeouts().keep_alive);
  stream.set_notice(&ClientConnection::wake);
  side.owner.connection_rests(*this);
  return true;
}

// The receive of a resting connection has ended: with the next request, with the client's leaving, or because the
// connection's time is up.
void ClientConnection::wake(Stream& stream) noexcept {
  auto& self = *static_cast<ClientConnection*>(stream.owner());
  stream.set_notice(nullptr);
  self.side.owner.connection_wakes(self);
  if (stream.ended()) {
    self.finish();
  } else {
    self.begin();
  }
}

void ClientConnection::finish() noexcept {
  stream.close_now();
  side.engine.reactor.timers().disarm(*this);
  pinned.close_all();
  side.owner.connection_closed(*this);
}

Task<void> ClientConnection::close_stream(After how) {
  state_ = State::closing;
  stream.set_notice(nullptr);
  if (how == After::reset) stream.abort_on_close();
  if (how == After::linger && stream.half_closes() && cut_ != Cut::stopped && !stream.ended()) {
    auto lingering = linger();
    co_await lingering;
  }
  auto closing = stream.close();
  co_await closing;
}

// A client that was answered before it had sent its whole request: what it still sends is read and dropped.
Task<void> ClientConnection::linger() {
  const Timeouts& timeouts = side.engine.timeouts();
  stream.shutdown(Direction::out);
  cut_ = Cut::none;
  const TimePoint end = timeouts.linger == Duration{} ? TimePoint::max() : side.engine.reactor.now() + timeouts.linger;
  while (cut_ == Cut::none) {
    const Duration left = end - side.engine.reactor.now();
    if (left <= Duration{}) break;
    end_after(timeouts.linger_idle == Duration{} || left < timeouts.linger_idle ? left : timeouts.linger_idle);
    stream.input().reset();
    auto got = co_await stream.receive();
    if (!got || *got == 0) break;
  }
}

// Arms the timer for a connection without a request; 0: for ever.
void ClientConnection::end_after(Duration limit) noexcept {
  const TimePoint at = limit == Duration{} ? TimePoint::max() : side.engine.reactor.now() + limit;
  side.engine.reactor.timers().arm(*this, at);
}

void ClientConnection::fired(Timer& timer) noexcept {
  auto& self = static_cast<ClientConnection&>(timer);
  if (self.request_ != nullptr) return self.request_->deadline().fired();
  self.cut(Cut::client_timeout);
}

void ClientConnection::cut(Cut why) noexcept {
  if (cut_ == Cut::none) cut_ = why;
  stream.cancel(Direction::both);
}

// A client that has sent more than fits waits for its turn: there is nothing to be seen of it meanwhile.
void ClientConnection::watch() noexcept {
  if (stream.input() && stream.input().room().empty()) return;
  stream.set_notice(&ClientConnection::client_left);
  stream.arm();
  if (stream.has_result()) client_left(stream);
}

void ClientConnection::client_left(Stream& stream) noexcept {
  auto& self = *static_cast<ClientConnection*>(stream.owner());
  ClientStream::Events* events = self.request_ != nullptr ? self.request_->events() : nullptr;
  if (events == nullptr || !stream.ended()) return;  // a pipelined request: it waits for its turn
  if (stream.last_error().code == Errc::cancelled) return;  // we did that ourselves
  if (stream.last_error()) {
    events->client_gone();
  } else {
    events->client_half_closed();
  }
}

void ClientConnection::stop() noexcept {
  if (exchange_ != nullptr) exchange_->cut_off(Cut::stopped);
  cut_ = Cut::stopped;
  cut(Cut::stopped);
}

void ClientConnection::drain() noexcept {
  if (state_ == State::resting) end_after(side.engine.spec().runtime.shutdown.idle);
  if (exchange_ != nullptr) exchange_->drain();
}

}  // namespace weir::proxy::h1
