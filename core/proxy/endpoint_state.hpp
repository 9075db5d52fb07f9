#pragma once
// EndpointState: what weir has found out about an endpoint while it runs. It belongs to the endpoint's identity, the name
// of its upstream and its text, not to a configuration, so it outlives a reload that keeps the endpoint. The control
// thread writes it, workers read it without a lock.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/proxy/known_states.hpp"

namespace weir::proxy {

class EndpointState {
 public:
  enum class Change : std::uint8_t { none, up, down };

  EndpointState() noexcept = default;
  EndpointState(const EndpointState&) = delete;
  EndpointState& operator=(const EndpointState&) = delete;

  // Any thread. A request may still be sent to an endpoint that went down a moment ago: that is its ordinary failure.
  bool is_up() const noexcept { return up_.load(std::memory_order_relaxed); }

  // Control thread: takes in the result of one check. Before the first one an endpoint is up; the first alone decides,
  // later `fall` failures in a row take it down and `rise` passes in a row bring it back.
  Change record(bool passed, std::uint32_t rise, std::uint32_t fall) noexcept;
  std::uint64_t checks() const noexcept { return checks_; }  // control thread

 private:
  std::atomic<bool> up_{true};
  std::uint64_t checks_ = 0;    // results taken in
  std::uint32_t against_ = 0;   // the last so many of them speak against the state
};

// Hands out the state of each endpoint, the same one as long as it is referenced. Control thread.
class EndpointStates {
 public:
  std::shared_ptr<EndpointState> of(std::string_view upstream, std::string_view endpoint);

 private:
  KnownStates<std::pair<std::string, std::string>, EndpointState> known_;
};

}  // namespace weir::proxy
