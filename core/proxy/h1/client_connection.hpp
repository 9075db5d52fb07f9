#pragma once
// ClientConnection: one accepted connection that speaks HTTP/1. It serves one request after another and owns the one
// timer that all their phases share: it lends it to the deadline of each exchange. While the client is idle it rests: no
// coroutine, no buffer, no stream, just this object with a receive armed, and it is kept small for that. Made by the client
// side, destroys itself when it is over; the worker's thread only.

#include "core/proxy/client_connection.hpp"
#include "core/proxy/engine.hpp"
#include "core/proxy/h1/client_stream.hpp"

namespace weir::proxy {
class Exchange;
}

namespace weir::proxy::h1 {

class ClientSide;

class ClientConnection final : public proxy::ClientConnection, private Timer {
 public:
  ClientConnection(ClientSide& owner, std::uint32_t listener_index) noexcept;

  void begin() noexcept override;
  void drain() noexcept override;
  void make_room() noexcept override { stream.cancel(Direction::in); }
  void stop() noexcept override;

  // For the stream of the request: its events tell when the client leaves.
  void watch() noexcept;
  void stop_watching() noexcept { stream.set_notice(nullptr); }
  // Why it ends although its client would go on; what is in flight is cancelled.
  void cut(Cut why) noexcept;
  Timer& timer() noexcept { return *this; }
  const ListenerSlots::Slot& slot() const noexcept;
  bool draining() const noexcept;  // no request follows

  ClientSide& side;

 private:
  enum class State : std::uint8_t { resting, serving, closing };

  Task<void> serve();          // until the client has nothing more to say for now
  bool rest() noexcept;        // false: there are bytes already, or the end
  Task<void> start(http::Parse verdict) noexcept;
  After end_exchange() noexcept;
  void finish() noexcept;      // closes and destroys this object
  Task<void> close_stream(After how);
  Task<void> linger();
  static void wake(Stream& stream) noexcept;
  static void client_left(Stream& stream) noexcept;
  static void fired(Timer& timer) noexcept;
  void end_after(Duration limit) noexcept;

  State state_ = State::serving;
  Cut cut_ = Cut::none;        // why it ends although its client would go on
  ClientStream* request_ = nullptr;    // while one is read or served
  Exchange* exchange_ = nullptr;       // while it is served
};

}  // namespace weir::proxy::h1
