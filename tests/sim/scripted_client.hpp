#pragma once
// ScriptedClient: the client side of one exchange, played by a test. It says what the client does (sends a part, leaves,
// reads slowly) and writes down what the exchange asks of it. It keeps the contract of proxy::ClientStream to the letter, so
// that an exchange that relies on more is found out. One thread, the reactor's.

#include <string>
#include <string_view>

#include "core/http/h1_parser.hpp"
#include "core/proxy/pinned_links.hpp"
#include "core/proxy/worker_snapshot.hpp"
#include "tests/sim/lent_timer.hpp"
#include "tests/sim/scripted_stream.hpp"

namespace weir::sim {

class ScriptedClient final : public proxy::ClientStream {
 public:
  // `head`: request line and fields, without the empty line. Its text stands for the head of any protocol.
  ScriptedClient(Reactor& reactor, const proxy::SnapshotRef& snapshot, LentTimer& timer, Trace& trace,
                 std::string_view head);

  // --- what the client does ---
  void has_whole_body(std::string_view body);  // before the exchange runs
  void streams_its_body() { body_ = proxy::RequestBody::streaming; }
  void give(std::string_view data, bool last = false, std::string_view trailers = {});
  void cut_body(proxy::Cut why);               // its body breaks off, and why
  void leave();                                // with a reset
  void half_close();
  Outbox sends;                                // held: it does not read
  bool refuses_heads = false;                  // the head of the response does not fit
  ScriptedTunnel tunnel;

  // --- what became of it ---
  int finished = 0;
  bool responded = false;

  void taken() noexcept override;
  void cancel(Direction direction) noexcept override;
  TimePoint last_progress() const noexcept override { return moved_; }
  RelayEnd& tunnel_end() noexcept override;
  void finish(bool complete) noexcept override;
  std::string_view first_line() const noexcept override { return "scripted"; }
  void watch(Events& events) noexcept override;
  void stop_watching() noexcept override;
  const proxy::SnapshotRef& snapshot() const noexcept override { return snapshot_; }

 private:
  bool has_part() const noexcept override { return parts_.inbox.ready(); }
  bool can_read() noexcept override;
  void wait_read(std::coroutine_handle<> waiter) noexcept override { parts_.inbox.wait(waiter); }
  proxy::PartRead take_part() noexcept override;
  bool lay_out(const proxy::BodyPart& part) noexcept override;
  bool lay_out(const proxy::ResponsePlan& plan, const proxy::BodyPart& first) noexcept override;
  bool lay_out_interim(const proxy::ResponsePlan& plan) noexcept override;
  bool start_send(std::coroutine_handle<> waiter) noexcept override;
  Result<void> take_sent() noexcept override;
  void say(std::string_view what);

  Reactor& reactor_;
  const proxy::SnapshotRef snapshot_;
  Timer& timer_;
  Address peer_;
  proxy::PinnedLinks pinned_;
  Trace& trace_;
  std::string text_;
  std::string whole_;
  http::Limits limits_;
  http::RequestParser parser_;
  ScriptedBody parts_;
  Events* events_ = nullptr;
  bool too_large_ = false;
  TimePoint moved_{};
};

}  // namespace weir::sim
