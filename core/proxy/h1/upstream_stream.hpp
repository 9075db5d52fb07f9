#pragma once
// The upstream side of an exchange in HTTP/1: one request and its response on a link that nobody else uses meanwhile.
// Made by UpstreamProtocol::begin(), gone with finish(). The worker's thread only.

#include <optional>

#include "core/base/object_pool.hpp"
#include "core/http/body.hpp"
#include "core/http/h1_parser.hpp"
#include "core/http/h1_writer.hpp"
#include "core/proxy/trim_timer.hpp"
#include "core/proxy/upstream_source.hpp"

namespace weir::proxy::h1 {

class UpstreamSide;

class UpstreamStream final : public proxy::UpstreamStream {
 public:
  UpstreamStream(UpstreamSide& side, UpstreamLink& link, bool kept) noexcept;

  void taken() noexcept override;
  void cancel(Direction direction) noexcept override { stream_.cancel(direction); }
  TimePoint last_progress() const noexcept override { return stream_.last_progress(); }
  RelayEnd& tunnel_end() noexcept override;
  void finish(bool complete) noexcept override;
  void pin_to(PinnedLinks& client) noexcept override { link_.pin_to(client); }
  bool kept() const noexcept override { return kept_; }
  bool answered() const noexcept override { return answered_; }

 private:
  bool has_part() const noexcept override;
  bool can_read() noexcept override;
  void wait_read(std::coroutine_handle<> waiter) noexcept override { stream_.wait(waiter); }
  PartRead take_part() noexcept override;
  bool lay_out(const BodyPart& part) noexcept override;
  bool lay_out(const ForwardRequest& plan, const BodyPart& first) noexcept override;
  bool start_send(std::coroutine_handle<> waiter) noexcept override;
  Result<void> take_sent() noexcept override;
  bool start_connect(const Address& address, std::coroutine_handle<> waiter) noexcept override;
  Result<void> take_connected() noexcept override;
  bool can_read_head() noexcept override;
  HeadRead take_head() noexcept override;

  HeadRead parse_head() noexcept;
  bool receive_more() noexcept;
  std::string_view unread() const noexcept { return stream_.input().view().substr(pending_); }

  UpstreamSide& side_;
  UpstreamLink& link_;
  Stream& stream_;
  const bool kept_;
  bool answered_ = false;
  bool head_needs_more_ = true;   // what is in the input is not a head yet
  bool upstream_keeps_ = true;    // no head of the response, interim ones included, forbids another use
  http::Method method_ = http::Method::get;
  const http::Limits* limits_ = &http::usual_limits;  // of the response
  http::Framing request_framing_ = http::Framing::none;
  std::size_t pending_ = 0;       // bytes of the input that were handed out and are not taken() yet
  http::BodyReader body_;
  Lease<http::ResponseParser> head_;
  Lease<http::SliceWriter> out_;
  std::optional<Stream::SendAll> send_;
  std::optional<Stream::Connecting> connecting_;
  std::optional<StreamEnd> tunnel_;
};

// What the HTTP/1 streams to upstreams share on one reactor.
class UpstreamSide final : public UpstreamProtocol {
 public:
  // The reactor outlives the side.
  explicit UpstreamSide(Reactor& reactor) noexcept : reactor_(reactor) {}

  UpstreamStream& begin(UpstreamLink& link, bool kept) override { return *streams_.make(*this, link, kept); }

  // Has its memory trimmed after bursts.
  void watch(TrimTimer& trim);

 private:
  friend class UpstreamStream;
  Reactor& reactor_;
  ObjectPool<UpstreamStream> streams_;
  ObjectPool<http::SliceWriter> writers_;
  // Large and needed for a moment: leased, so that with a thousand exchanges waiting the few in use stay in the caches.
  ObjectPool<http::ResponseParser> parsers_;
};

}  // namespace weir::proxy::h1
