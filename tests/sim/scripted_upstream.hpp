#pragma once
// ScriptedUpstream and ScriptedSource: the upstream side of an exchange, played by a test: streams that answer with the
// heads and parts that they are given, and the source that hands them out, kept or new, or none. They write down what the
// exchange asks. One thread, the reactor's.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/h1_parser.hpp"
#include "core/proxy/upstream_source.hpp"
#include "tests/sim/scripted_stream.hpp"

namespace weir::sim {

class ScriptedUpstream final : public proxy::UpstreamStream {
 public:
  ScriptedUpstream(Reactor& reactor, Trace& trace, std::string name, bool kept);

  // --- what the upstream does ---
  void respond(std::string_view head);  // status line and fields, without the empty line; interim heads, too
  void give_some_of_a_head();           // bytes came, but no head yet
  void break_head(proxy::Cut why, std::string_view word = {});
  void give(std::string_view data, bool last = false, std::string_view trailers = {});
  void end_by_close();                  // the close that ends a body which nothing else delimits
  void close();                         // nothing comes any more; what is sent to it fails
  void reset();
  Outbox connects, sends;
  ScriptedTunnel tunnel;

  // --- what became of it ---
  int finished = 0;
  const std::string& name() const noexcept { return name_; }

  void taken() noexcept override;
  void cancel(Direction direction) noexcept override;
  TimePoint last_progress() const noexcept override { return moved_; }
  RelayEnd& tunnel_end() noexcept override;
  void finish(bool complete) noexcept override;
  void pin_to(proxy::PinnedLinks&) noexcept override;
  bool kept() const noexcept override { return kept_; }
  bool answered() const noexcept override { return answered_; }

 private:
  struct GivenHead {
    std::string text;  // empty: no head
    proxy::Cut cut = proxy::Cut::none;
    std::string_view word;
  };

  bool has_part() const noexcept override { return parts_.inbox.ready(); }
  bool can_read() noexcept override;
  void wait_read(std::coroutine_handle<> waiter) noexcept override;
  proxy::PartRead take_part() noexcept override;
  bool lay_out(const proxy::BodyPart& part) noexcept override;
  bool lay_out(const proxy::ForwardRequest& plan, const proxy::BodyPart& first) noexcept override;
  bool start_send(std::coroutine_handle<> waiter) noexcept override;
  Result<void> take_sent() noexcept override;
  bool start_connect(const Address& address, std::coroutine_handle<> waiter) noexcept override;
  Result<void> take_connected() noexcept override { return connects.take(); }
  bool can_read_head() noexcept override;
  proxy::HeadRead take_head() noexcept override;
  void say(std::string_view what);
  void end(proxy::Cut why, const Error& error);

  Reactor& reactor_;
  Trace& trace_;
  std::string name_;
  const bool kept_;
  bool answered_ = false;
  bool reads_head_ = true;
  http::Method method_ = http::Method::get;
  http::Limits limits_;
  GivenHead current_;
  http::ResponseParser parser_;
  Inbox<GivenHead> heads_;
  ScriptedBody parts_;
  TimePoint moved_{};
};

// Endpoints are called a, b, c by their place in the upstream; a second stream to the first one is a2.
class ScriptedSource final : public proxy::UpstreamSource {
 public:
  ScriptedSource(Reactor& reactor, Trace& trace) : reactor_(reactor), trace_(trace) {}

  // --- set before it is asked ---
  void keep(std::size_t endpoint) { ++kept_[endpoint]; }                        // one more kept stream
  void refuse_opens(Error error, int times = 1000) { open_error_ = error, open_failures_ = times; }
  std::map<std::size_t, Error> connect_errors;                                   // by endpoint
  bool holds_connects = false, holds_sends = false;                             // of the streams it makes
  bool has_room = false;                                                        // a kept one can be closed for its descriptor

  std::size_t size() const noexcept { return streams_.size(); }
  ScriptedUpstream& at(std::size_t index) { return *streams_.at(index); }
  ScriptedUpstream& last() { return *streams_.back(); }

  proxy::UpstreamStream* take_kept(proxy::Endpoint& endpoint, proxy::Reuse reuse) noexcept override;
  proxy::UpstreamStream* take_pinned(proxy::Endpoint&, proxy::PinnedLinks&) noexcept override { return nullptr; }
  Result<proxy::UpstreamStream*> open(proxy::Endpoint& endpoint, const Address& address) noexcept override;
  bool make_room() noexcept override;

 private:
  ScriptedUpstream& make(std::size_t endpoint, bool kept);

  Reactor& reactor_;
  Trace& trace_;
  std::map<std::size_t, int> kept_, made_;
  Error open_error_;
  int open_failures_ = 0;
  std::vector<std::unique_ptr<ScriptedUpstream>> streams_;
};

}  // namespace weir::sim
