#pragma once
// ClientConnection: one accepted connection. It runs one exchange after another and owns the one timer that all their
// phases share. While the client is idle it rests: no coroutine, no buffer, no exchange, just this object with a receive
// armed. Made by an accept loop, destroys itself when it is over; the worker's thread only.

#include <cstdint>

#include "core/net/stream.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

class Engine;
class Exchange;

// What is waited for; decides what a deadline means.
enum class Phase : std::uint8_t { keep_alive, head, connect, first_byte, body, tunnel, linger };

// A client that has closed its side may only have half-closed, or may be gone: it gets this long to be answered.
inline constexpr Duration half_closed_grace = std::chrono::seconds{1};

class ClientConnection : public ListLink<void>, public Timer {
 public:
  ClientConnection(Engine& engine, std::uint32_t listener_index) noexcept;
  ~ClientConnection();

  // Starts serving. Called once, after accept and attach.
  void begin() noexcept;

  // Starts a phase that may last `limit` (0: for ever). Body and tunnel phases are extended by progress.
  void enter(Phase phase, Duration limit) noexcept;
  // The whole exchange ends by then; TimePoint::max(): whenever.
  void set_total_deadline(TimePoint deadline) noexcept { total_deadline_ = deadline; }

  // The request is read to its end: notices from now on when the client leaves. Costs nothing on a connection that is
  // kept, since the receive that waits for the next request is armed anyway. Called before the next enter().
  void watch() noexcept;
  void stop_watching() noexcept;

  Phase phase() const noexcept { return phase_; }
  bool timed_out() const noexcept { return timed_out_; }
  void forget_timeout() noexcept { timed_out_ = false; }
  bool total_timed_out() const noexcept { return total_timed_out_; }
  bool stopped() const noexcept { return stopped_; }
  bool client_ended() const noexcept { return client_ended_; }   // has closed its side of the connection
  bool client_reset() const noexcept { return client_reset_; }

  // Cuts everything. The coroutines end by themselves.
  void stop() noexcept;
  // The server drains: an idle connection ends soon, a busy one after its exchange.
  void drain() noexcept;

  Engine& engine;
  Stream stream;
  Address peer;
  Exchange* exchange = nullptr;
  std::uint32_t listener;
  bool trusted = false;        // the peer is a trusted proxy
  bool keep = true;            // serve another request after this one
  bool linger = false;         // the client may still be sending: read on for a moment before closing

 private:
  Task<void> serve();          // until the client has nothing more to say for now
  bool rest() noexcept;        // false: there are bytes already, or the end
  static void wake(Stream& stream) noexcept;
  void finish() noexcept;      // closes and destroys this object
  static void deadline(Timer& timer) noexcept;
  static void hang_up(Stream& stream) noexcept;
  void start_watch() noexcept;
  void cancel_all() noexcept;
  Task<void> linger_a_moment();
  Task<void> close_stream();

  Phase phase_ = Phase::keep_alive;
  bool timed_out_ = false;
  bool total_timed_out_ = false;
  bool stopped_ = false;
  bool resting_ = false;
  bool watch_later_ = false;
  bool client_ended_ = false;
  bool client_reset_ = false;
  Duration limit_{};
  TimePoint phase_deadline_ = TimePoint::max();
  TimePoint total_deadline_ = TimePoint::max();
};

}  // namespace weir::proxy
