#pragma once
// Upload: sends a request's body on, part by part, beside the response, because an upstream may answer before it has
// read everything. It holds one part at a time and reads on only when that one is sent: backpressure costs nothing more.
// Belongs to its exchange; the worker's thread only.

#include <cstdint>

#include "core/coro/scope.hpp"
#include "core/proxy/exchange_context.hpp"

namespace weir::proxy {

class Upload {
 public:
  enum class State : std::uint8_t {
    none,     // there is no body, or it came with the head
    reading,  // waits for the client
    sending,  // waits for the upstream
    done,
    broken,   // the upstream does not take it; it may have answered all the same
    stopped,  // the rest is not wanted
  };

  explicit Upload(ExchangeContext& context) noexcept : context_(context) {}

  // Begins; `to` outlives it. Once at most.
  void start(UpstreamStream& to);
  // The rest is not wanted: cancels what waits. Harmless in any state.
  void stop() noexcept;
  // Ends when nothing of it is under way any more.
  Scope::Join join() noexcept { return task_.join(); }

  State state() const noexcept { return state_; }
  bool under_way() const noexcept { return state_ == State::reading || state_ == State::sending; }
  // Some of the body will not reach the upstream.
  bool cut_short() const noexcept { return under_way() || state_ == State::broken || state_ == State::stopped; }
  std::uint64_t bytes() const noexcept { return bytes_; }  // of the body, without its coding

 private:
  Task<void> run();
  bool accept(const PartRead& read) noexcept;

  ExchangeContext& context_;
  UpstreamStream* to_ = nullptr;
  State state_ = State::none;
  std::uint64_t bytes_ = 0;
  Scope task_;
};

}  // namespace weir::proxy
