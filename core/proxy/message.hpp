#pragma once
// The seam between an exchange and whatever carries its messages: an HTTP/1 connection for the time of one exchange, an
// HTTP/2 stream, a script in a test. A message stream reads one message and writes one, head first, then the body part by
// part. Virtual calls are made once per part, beside a system call. Awaiters need no coroutine frame of their own.
// Everything here runs on the reactor's thread; at most one read and one write are under way at a time.

#include <coroutine>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/error.hpp"
#include "core/http/body.hpp"
#include "core/http/head.hpp"
#include "core/net/relay.hpp"
#include "core/proxy/cut.hpp"
#include "core/proxy/deadline.hpp"
#include "core/proxy/forwarding.hpp"

namespace weir::proxy {

using http::BodyPart;
class PinnedLinks;

// What reading a body brought: a part, or why there is no more.
struct PartRead {
  BodyPart part;
  Cut cut = Cut::none;
  bool by_close = false;  // the last part is known only by the peer's close, which a reset can look like
  std::string_view word = {};  // with Cut::bad_body and Cut::bad_response: the rule that was broken; static
};

class MessageStream {
 public:
  struct BodyRead {
    MessageStream& stream;
    bool await_ready() const noexcept { return stream.can_read(); }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept { stream.wait_read(waiter); }
    PartRead await_resume() const noexcept { return stream.take_part(); }
  };
  struct Sending {  // of a body part, or of a head with the first part
    MessageStream& stream;
    bool done;
    bool await_ready() const noexcept { return done; }
    bool await_suspend(std::coroutine_handle<> waiter) const noexcept { return !stream.start_send(waiter); }
    Result<void> await_resume() const noexcept { return stream.take_sent(); }
  };

  // The next part. Its views stay valid until taken(); a part may be empty.
  BodyRead read_body() noexcept { return {*this}; }
  // What has arrived already, without waiting: an empty part if there is nothing.
  PartRead read_at_hand() noexcept { return has_part() ? take_part() : PartRead{}; }
  // What was read last, head and part, has been passed on: its memory is free again.
  virtual void taken() noexcept = 0;

  // Sends a part. Its views stay in place meanwhile. An error: the peer is gone, or cancel() was called.
  Sending write_body(const BodyPart& part) noexcept { return {*this, !lay_out(part)}; }

  // Asks what is in flight to end; it may have moved bytes first.
  virtual void cancel(Direction direction) noexcept = 0;
  // When bytes last moved, in either direction.
  virtual TimePoint last_progress() const noexcept = 0;
  // After the heads of an upgrade or a CONNECT: the bytes that follow, in both directions.
  virtual RelayEnd& tunnel_end() noexcept = 0;
  // The exchange is over, and this stream must not be touched any more. `complete`: both messages were passed on whole;
  // otherwise the peer is shown that its message was cut. Whether a connection is kept is the stream's own business.
  virtual void finish(bool complete) noexcept = 0;

 protected:
  ~MessageStream() = default;
  virtual bool has_part() const noexcept = 0;  // without waiting
  virtual bool can_read() noexcept = 0;        // starts to wait if it must
  virtual void wait_read(std::coroutine_handle<> waiter) noexcept = 0;
  virtual PartRead take_part() noexcept = 0;
  // Prepares what start_send() sends. False: it cannot be sent, and take_sent() says why.
  virtual bool lay_out(const BodyPart& part) noexcept = 0;
  virtual bool start_send(std::coroutine_handle<> waiter) noexcept = 0;  // true: done at once
  virtual Result<void> take_sent() noexcept = 0;
};

// Who asks, and by which way. Set before the exchange begins.
struct ClientInfo {
  const Address* peer = nullptr;       // stays in place as long as the stream
  const Handle* connection = nullptr;  // the same; null: nothing that the system knows
  std::uint32_t listener = 0;          // index into Spec::listeners
  bool trusted = false;                // the peer is a trusted proxy
  std::string_view scheme = "http";
  TimePoint started;                   // the first byte of the request
  TimePoint head_at;                   // its head was complete
  WallTime started_wall;               // only where a log wants it
};

// How the body of a request stands when its head is complete.
enum class RequestBody : std::uint8_t {
  none,
  whole,      // it came with the head: it is at hand, and can be sent again
  streaming,  // to be read part by part
};

// A response as it is sent to the client.
struct ResponsePlan {
  std::uint16_t status = 0;
  // A received head that is passed on, or null: then weir's own answer with these lines, each "name: value\r\n".
  const http::ResponseHead* head = nullptr;
  std::string_view lines;
  std::span<const AppliedEdit> edits;    // of received heads, in the order in which they apply
  const Forwarding* rules = nullptr;     // of received heads
  std::string_view request_id;           // of received heads; empty: none is sent
  http::Framing framing = http::Framing::none;  // of the body: chunked and until_close are of unknown length
  std::uint64_t length = 0;              // with Framing::length
  bool tunnel = false;                   // 101, or a CONNECT that succeeded: bytes follow in both directions
};

class SnapshotRef;

class ClientStream : public MessageStream {
 public:
  // Told when the client leaves while it waits for its answer, or for the rest of it.
  class Events {
   public:
    virtual void client_gone() noexcept = 0;         // reset
    virtual void client_half_closed() noexcept = 0;  // it may still read

   protected:
    ~Events() = default;
  };

  const ClientInfo& info() const noexcept { return info_; }
  // The configuration by which the request is served: that of the moment when it began.
  virtual const SnapshotRef& snapshot() const noexcept = 0;
  const http::RequestHead& head() const noexcept { return *head_; }
  RequestBody body() const noexcept { return body_; }
  // With RequestBody::whole.
  std::string_view whole_body() const noexcept { return whole_body_; }
  Deadline& deadline() noexcept { return deadline_; }
  // The upstream connections that belong to the client's.
  PinnedLinks& pinned() noexcept { return pinned_; }

  // The final response, head and first part in one send. Once.
  Sending respond(const ResponsePlan& plan, const BodyPart& first) noexcept { return {*this, !lay_out(plan, first)}; }
  // An informational response. Nothing is sent to a client that does not understand them.
  Sending interim(const ResponsePlan& plan) noexcept { return {*this, !lay_out_interim(plan)}; }

  // What came of the first line of a request, without its end and cut to a bound: for the log where there is no head.
  virtual std::string_view first_line() const noexcept = 0;

  // The request has been read to its end: tells `events` from now on when the client leaves, until finish(). Nothing is
  // told of a client that has sent more already: it waits.
  virtual void watch(Events& events) noexcept = 0;
  virtual void stop_watching() noexcept = 0;

 protected:
  // `timer` is lent to the exchange's deadline. What is pinned outlives the stream.
  ClientStream(Reactor& reactor, Timer& timer, PinnedLinks& pinned) noexcept
      : deadline_(reactor, timer), pinned_(pinned) {}
  ~ClientStream() = default;
  virtual bool lay_out(const ResponsePlan& plan, const BodyPart& first) noexcept = 0;
  virtual bool lay_out_interim(const ResponsePlan& plan) noexcept = 0;
  using MessageStream::lay_out;

  ClientInfo info_;
  const http::RequestHead* head_ = nullptr;
  RequestBody body_ = RequestBody::none;
  std::string_view whole_body_;

 private:
  Deadline deadline_;
  PinnedLinks& pinned_;
};

// What reading a response's head brought: a head, why there is none, or neither: some of it arrived.
struct HeadRead {
  const http::ResponseHead* head = nullptr;  // valid until taken()
  Cut cut = Cut::none;
  std::string_view word;  // with Cut::bad_response: the rule that was broken
};

class UpstreamStream : public MessageStream {
 public:
  struct Connecting {
    UpstreamStream& stream;
    const Address& address;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter) const noexcept { return !stream.start_connect(address, waiter); }
    Result<void> await_resume() const noexcept { return stream.take_connected(); }
  };
  struct Responding {
    UpstreamStream& stream;
    bool await_ready() const noexcept { return stream.can_read_head(); }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept { stream.wait_read(waiter); }
    HeadRead await_resume() const noexcept { return stream.take_head(); }
  };

  // Only of a stream that was opened and not kept. `address` stays alive meanwhile.
  Connecting connect(const Address& address) noexcept { return {*this, address}; }
  // Head and first part in one send; the texts of the plan stay in place until the send has ended.
  Sending request(const ForwardRequest& plan, const BodyPart& first) noexcept { return {*this, !lay_out(plan, first)}; }
  // Interim heads first, then the final one: taken() is called after each.
  Responding response() noexcept { return {*this}; }

  // Its connection belongs to this client's from now on.
  virtual void pin_to(PinnedLinks& client) noexcept = 0;

  virtual bool kept() const noexcept = 0;      // it served an exchange before
  virtual bool answered() const noexcept = 0;  // at least one byte came

 protected:
  ~UpstreamStream() = default;
  virtual bool lay_out(const ForwardRequest& plan, const BodyPart& first) noexcept = 0;
  virtual bool start_connect(const Address& address, std::coroutine_handle<> waiter) noexcept = 0;
  virtual Result<void> take_connected() noexcept = 0;
  virtual bool can_read_head() noexcept = 0;
  virtual HeadRead take_head() noexcept = 0;
  using MessageStream::lay_out;
};

}  // namespace weir::proxy
