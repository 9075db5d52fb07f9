#include "core/proxy/connection.hpp"

#include "core/proxy/engine.hpp"
#include "core/proxy/exchange.hpp"

namespace weir::proxy {

namespace {

// After an answer to a request that was not read to its end: closing at once would reset the connection and could take
// the answer with it (RFC 9112 section 9.6).
constexpr Duration linger_time = 2s;
// A connection that ends with its exchange is watched for the client's leaving only when the answer takes longer than
// this: most never need to be made known to the kernel's event mechanism.
constexpr Duration late_watch = 50ms;
constexpr std::size_t linger_bytes = 4 * 1024 * 1024;

}  // namespace

ClientConnection::ClientConnection(Engine& e, std::uint32_t listener_index) noexcept
    : Timer(&ClientConnection::deadline), engine(e), stream(e.reactor), listener(listener_index) {
  stream.set_owner(this);
}

ClientConnection::~ClientConnection() = default;

void ClientConnection::begin() noexcept { engine.scope.spawn(serve()); }

Task<void> ClientConnection::serve() {
  while (keep && !stopped_ && !client_ended_ && !client_reset_) {
    if (stream.input().empty() && rest()) co_return;
    if (stream.ended()) break;
    stream.settle();
    timed_out_ = false;
    engine.note_activity();
    exchange = engine.exchanges.make(*this);
    auto running = exchange->run();
    co_await running;
    engine.exchanges.destroy(exchange);
    exchange = nullptr;
    total_deadline_ = TimePoint::max();
    stop_watching();
  }
  auto closing = close_stream();
  co_await closing;
  finish();
}

bool ClientConnection::rest() noexcept {
  // A request that came while an answer was being sent may have been served before the completion of its receive was
  // delivered: with nothing left of the input, such a result announces nothing.
  stream.settle();
  stream.input().reset();
  stream.arm();
  if (stream.has_result()) return false;
  enter(Phase::keep_alive, engine.draining ? engine.spec().runtime.shutdown.idle : engine.timeouts().keep_alive);
  resting_ = true;
  stream.set_notice(&ClientConnection::wake);
  return true;
}

// The receive of a resting connection has ended: with the next request, with the client's leaving, or because the
// connection's time is up.
void ClientConnection::wake(Stream& stream) noexcept {
  auto& self = *static_cast<ClientConnection*>(stream.owner());
  self.resting_ = false;
  stream.set_notice(nullptr);
  if (stream.ended()) {
    self.finish();
  } else {
    self.begin();
  }
}

void ClientConnection::finish() noexcept {
  stream.close_now();
  engine.reactor.timers().disarm(*this);
  List<ClientConnection>::erase(*this);
  engine.connection_closed(*this);
}

Task<void> ClientConnection::close_stream() {
  stream.set_notice(nullptr);
  const bool patient = linger && stream.half_closes() && !stopped_ && !client_reset_;
  if (patient) {
    auto lingering = linger_a_moment();
    co_await lingering;
  }
  auto closing = stream.close();
  co_await closing;
}

Task<void> ClientConnection::linger_a_moment() {
  stream.shutdown(Direction::out);
  timed_out_ = false;
  enter(Phase::linger, linger_time);
  for (std::size_t read = 0; read < linger_bytes && !timed_out_ && !stopped_;) {
    stream.input().reset();
    auto got = co_await stream.receive();
    if (!got || *got == 0) break;
    read += *got;
  }
}

void ClientConnection::enter(Phase phase, Duration limit) noexcept {
  phase_ = phase;
  if (client_ended_ && (limit == Duration{} || limit > half_closed_grace)) limit = half_closed_grace;
  limit_ = limit;
  const TimePoint now = engine.reactor.now();
  TimePoint at = limit == Duration{} ? TimePoint::max() : now + limit;
  if (total_deadline_ < at) at = total_deadline_;
  phase_deadline_ = at;
  if (watch_later_ && now + late_watch < at) at = now + late_watch;
  engine.reactor.timers().arm(*this, at);
}

void ClientConnection::deadline(Timer& timer) noexcept {
  auto& self = static_cast<ClientConnection&>(timer);
  const TimePoint now = self.engine.reactor.now();
  if (self.watch_later_) {
    self.start_watch();
    if (self.phase_deadline_ > now) return self.engine.reactor.timers().arm(self, self.phase_deadline_);
  }
  if (self.total_deadline_ <= now) {
    self.total_timed_out_ = true;
  } else if (self.phase_ == Phase::body || self.phase_ == Phase::tunnel) {
    // Idle phases: any byte in either direction is progress.
    TimePoint last = self.stream.last_progress();
    UpstreamConnection* upstream = self.exchange ? self.exchange->upstream() : nullptr;
    if (upstream && last < upstream->stream.last_progress()) last = upstream->stream.last_progress();
    const TimePoint due = last + self.limit_;
    if (due > now) {
      self.engine.reactor.timers().arm(self, due < self.total_deadline_ ? due : self.total_deadline_);
      return;
    }
  }
  self.timed_out_ = true;
  UpstreamConnection* upstream = self.exchange ? self.exchange->upstream() : nullptr;
  const bool only_upstream = self.phase_ == Phase::connect || self.phase_ == Phase::first_byte;
  if (only_upstream && upstream && !self.total_timed_out_) {
    upstream->stream.cancel(Direction::both);  // the client is still to be answered
  } else {
    self.cancel_all();
  }
}

void ClientConnection::watch() noexcept {
  if (keep) {
    start_watch();
  } else {
    watch_later_ = true;  // the phase that is entered next sees to it
  }
}

void ClientConnection::stop_watching() noexcept {
  watch_later_ = false;
  stream.set_notice(nullptr);
}

void ClientConnection::start_watch() noexcept {
  watch_later_ = false;
  stream.set_notice(&ClientConnection::hang_up);
  stream.arm();
  if (stream.has_result()) hang_up(stream);
}

void ClientConnection::hang_up(Stream& stream) noexcept {
  auto& self = *static_cast<ClientConnection*>(stream.owner());
  if (!self.exchange || !stream.ended()) return;  // a pipelined request: it waits for its turn
  if (stream.last_error().code == Errc::cancelled) return;  // we did that ourselves
  if (stream.last_error()) {
    self.client_reset_ = true;
    self.cancel_all();
  } else {
    self.client_ended_ = true;
    self.enter(self.phase_, self.limit_);
  }
}

void ClientConnection::cancel_all() noexcept {
  stream.cancel(Direction::both);
  if (UpstreamConnection* upstream = exchange ? exchange->upstream() : nullptr) upstream->stream.cancel(Direction::both);
}

void ClientConnection::stop() noexcept {
  stopped_ = true;
  cancel_all();
}

void ClientConnection::drain() noexcept {
  if (resting_) enter(Phase::keep_alive, engine.spec().runtime.shutdown.idle);
}

}  // namespace weir::proxy
