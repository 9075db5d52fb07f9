#pragma once
// The client side of an exchange in HTTP/1: one request on a connection and the response to it. It reads the head, knows
// where the body ends, writes the response and decides what becomes of the connection. Lives in a pool for the time of
// one request and belongs to its connection; the worker's thread only.

#include <optional>

#include "core/base/object_pool.hpp"
#include "core/http/body.hpp"
#include "core/http/h1_parser.hpp"
#include "core/http/h1_writer.hpp"
#include "core/proxy/message.hpp"
#include "core/proxy/worker_snapshot.hpp"

namespace weir::proxy::h1 {

class ClientConnection;

// What follows on the connection.
enum class After : std::uint8_t {
  keep,    // the next request
  close,
  linger,  // the client may still be sending: a close at once could take the answer with it (RFC 9112 section 9.6)
  reset,   // a close would look like the end of the body: the client must see that it is cut
};

class ClientStream final : public proxy::ClientStream, private Deadline::Watcher, private Deadline::Reminded {
 public:
  explicit ClientStream(ClientConnection& connection) noexcept;
  ~ClientStream();

  // Parses what the connection has received so far of the head.
  http::Parse parse() noexcept;
  const http::Refusal& refusal() const noexcept { return parser_.refusal(); }
  bool started() const noexcept { return parser_.started(); }
  After after() const noexcept { return after_; }
  // Who is to be told when the client leaves; null: nobody wants to know.
  Events* events() const noexcept { return events_; }

  void taken() noexcept override;
  void cancel(Direction direction) noexcept override;
  TimePoint last_progress() const noexcept override;
  RelayEnd& tunnel_end() noexcept override;
  void finish(bool complete) noexcept override;
  void watch(Events& events) noexcept override;
  void stop_watching() noexcept override;
  std::string_view first_line() const noexcept override;
  const SnapshotRef& snapshot() const noexcept override { return snapshot_; }

 private:
  void late(Late what) noexcept override;  // until an exchange watches: the head
  void reminded() noexcept override;
  bool has_part() const noexcept override;
  bool can_read() noexcept override;
  void wait_read(std::coroutine_handle<> waiter) noexcept override;
  PartRead take_part() noexcept override;
  bool lay_out(const BodyPart& part) noexcept override;
  bool lay_out(const ResponsePlan& plan, const BodyPart& first) noexcept override;
  bool lay_out_interim(const ResponsePlan& plan) noexcept override;
  bool start_send(std::coroutine_handle<> waiter) noexcept override;
  Result<void> take_sent() noexcept override;

  void head_complete() noexcept;
  void hold_head() noexcept;
  void settle_after(const ResponsePlan& plan) noexcept;
  void settle_framing(const ResponsePlan& plan) noexcept;
  void write_own(const ResponsePlan& plan) noexcept;
  void write_received(const ResponsePlan& plan) noexcept;
  bool body_unread() const noexcept;
  const Buffer& source() const noexcept;
  Buffer& source() noexcept;

  ClientConnection& connection_;
  const SnapshotRef snapshot_;
  Stream& stream_;
  After after_ = After::close;
  bool responded_ = false;
  std::uint8_t minor_version_ = 1;
  http::Framing response_framing_ = http::Framing::none;
  // Of the head, and of the body that came with it: in the connection's input, which goes on behind them. Once the rest
  // of the request is read part by part the head has a block for itself, which the connection gets back if the next
  // request has begun in it: nothing is ever copied.
  std::uint32_t request_bytes_ = 0;
  Buffer held_;
  std::size_t pending_ = 0;  // bytes of source() that were handed out and are not taken() yet
  Events* events_ = nullptr;
  http::BodyReader request_body_;
  Lease<http::SliceWriter> out_;
  std::optional<Stream::SendAll> send_;
  std::optional<StreamEnd> tunnel_;
  http::RequestParser parser_;
};

}  // namespace weir::proxy::h1
