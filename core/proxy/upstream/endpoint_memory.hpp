#pragma once
// EndpointMemory: what one worker remembers of an endpoint from one configuration to the next: its connections, and whether
// it fails at present. It belongs to the endpoint's identity, the name of its upstream and its text. Endpoints of
// snapshots use it; without any, no idle connection is kept. The worker's thread only.

#include <cstdint>

#include "core/proxy/upstream/connection_pool.hpp"
#include "core/proxy/upstream/incident.hpp"

namespace weir::proxy {

class EndpointMemory {
 public:
  explicit EndpointMemory(ConnectionStore& store) noexcept : pool(store) {}
  EndpointMemory(const EndpointMemory&) = delete;
  EndpointMemory& operator=(const EndpointMemory&) = delete;

  // What the latest user says about idle connections counts.
  void add_user(std::uint32_t max_idle, Duration idle_timeout) noexcept {
    ++users_;
    pool.keep_at_most(max_idle, idle_timeout);
  }
  void remove_user() noexcept {
    if (--users_ == 0) pool.keep_at_most(0, {});
  }
  // It can be forgotten.
  bool unused() const noexcept { return users_ == 0 && pool.live() == 0; }

  ConnectionPool pool;
  Incident incident;

 private:
  std::uint32_t users_ = 0;
};

}  // namespace weir::proxy
