#pragma once
// Attempt: one try to get an answer from one endpoint: a stream to it, the request sent, the head of the response. It has
// its own times and its own failure; whether another one follows is the exchange's decision. Several may live at once.
// The worker's thread only.

#include <cstdint>

#include "core/proxy/exchange_context.hpp"
#include "core/proxy/upload.hpp"
#include "core/proxy/upstream/upstream.hpp"

namespace weir::proxy {

// What is known of an attempt, for the log.
struct AttemptRecord {
  Endpoint* endpoint = nullptr;
  TimePoint started;     // connecting, or taking a kept connection
  TimePoint connected;   // zero: it never was
  TimePoint sent;        // the request, or as much of it as is sent before the answer
  TimePoint first_byte;  // zero: nothing came
  Cut failure = Cut::none;
  bool kept = false;     // on a connection that was kept
};

class Attempt {
 public:
  Attempt(ExchangeContext& context, Upload& upload) noexcept : context_(context), upload_(upload) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() { WEIR_VERIFY(stream_ == nullptr); }

  // Afterwards either head() is that of the final response and the stream is open, or failure() says why not, unless the
  // exchange was cut. `fresh`: not on a kept connection. `request` and its texts stay in place.
  Task<void> run(Endpoint& endpoint, bool fresh, const ForwardRequest& request);

  const http::ResponseHead* head() const noexcept { return head_; }  // valid until the stream's next taken()
  Cut failure() const noexcept { return record_.failure; }
  std::string_view failure_word() const noexcept { return word_; }   // the rule that a bad response broke
  Retry retry() const noexcept;
  const AttemptRecord& record() const noexcept { return record_; }

  UpstreamStream* stream() noexcept { return stream_; }
  // The first cause counts; what is under way is cancelled.
  void fail(Cut why, std::string_view word = {}) noexcept;
  // Gives the stream back, if there is one. `complete`: see MessageStream::finish().
  void release(bool complete) noexcept;

 private:
  UpstreamStream* take_kept(Endpoint& endpoint) noexcept;
  Task<void> connect(Endpoint& endpoint);
  Task<bool> connect_to(Endpoint& endpoint, const Address& address);
  Task<void> await_head(bool may_switch);
  Task<void> pass_interim(const http::ResponseHead& head);
  bool repeatable() const noexcept;
  bool may_be_sent_twice() const noexcept;
  bool goes_on() const noexcept { return record_.failure == Cut::none && !context_.is_cut(); }

  ExchangeContext& context_;
  Upload& upload_;
  UpstreamStream* stream_ = nullptr;
  const http::ResponseHead* head_ = nullptr;
  std::string_view word_;
  AttemptRecord record_;
};

}  // namespace weir::proxy
