#pragma once
// Balancer: the policy that chooses the endpoint of a request, one object per upstream and worker with whatever it
// remembers from one choice to the next. It sees candidates, never endpoints or connections, and touches nothing else.
// To add a policy: a file of its own beside round_robin, a line in make_balancer, a setting in UpstreamSpec. One
// thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/proxy/spec.hpp"
#include "core/proxy/endpoint_state.hpp"
#include "core/proxy/upstream/tried_set.hpp"

namespace weir::proxy {

// What a policy knows about an endpoint.
struct Candidate {
  std::uint32_t weight = 1;              // 0: gets no new requests
  const EndpointState* state = nullptr;  // null: it has no health check and counts as up

  bool is_up() const noexcept { return state == nullptr || state->is_up(); }
};

class Balancer {
 public:
  static constexpr std::size_t none = SIZE_MAX;

  virtual ~Balancer() = default;

  // The index of the candidate that gets the next request: one that has a weight, is up and was not tried. `none` if
  // there is no such candidate. `candidates` are the same in number and order each time; whether they are up may
  // change.
  virtual std::size_t choose(std::span<const Candidate> candidates, const TriedSet& tried) noexcept = 0;
};

// The policy of an upstream.
std::unique_ptr<Balancer> make_balancer(const UpstreamSpec& upstream);

}  // namespace weir::proxy
