#pragma once
// FaultPlan: what a link does to the connections that go over it. Plain numbers, drawn from a seed or written by a
// test. Probabilities are per connection unless the name says otherwise.

#include <cstddef>
#include <cstdint>

#include "core/base/rng.hpp"
#include "core/base/time.hpp"

namespace weir::sim {

struct FaultPlan {
  // Every link has these.
  Duration latency_min{50'000};
  Duration latency_mean{200'000};
  std::size_t window_min = 64 * 1024;  // bytes a direction holds, on the way and unread together; drawn per connection
  std::size_t window_max = 64 * 1024;

  // Harmless: a correct program does not notice.
  double partial_read = 0;    // per receive: fewer bytes than there are
  double partial_write = 0;   // per send: fewer bytes than fit
  double small_segments = 0;  // bytes arrive in segments of 1 to 64
  double clog = 0;            // per segment: nothing arrives in this direction for up to clog_time
  Duration clog_time{0};
  double trickle = 0;  // one direction delivers a few bytes per millisecond

  // Harmful: an exchange may fail.
  double reset = 0;   // by a middlebox, at a random byte position of either direction
  double vanish = 0;  // from a random byte position on nothing arrives in either direction, nor is said
  std::uint64_t fault_within = 16 * 1024;  // where those positions lie, in bytes
  double refuse = 0;                       // connect ends with connection_refused
  double unreachable = 0;                  // connect ends with host_unreachable
  double hang = 0;                         // connect never ends
  double accept_failure = 0;               // per accept: connection_aborted, descriptor_limit or out_of_memory
  double open_failure = 0;                 // per open of a stream: descriptor_limit
  double spawn_failure = 0;                // per start of a child: descriptor_limit or out_of_memory

  static FaultPlan none() noexcept { return {}; }
  static FaultPlan harmless(Rng& rng) noexcept;  // some of the harmless ones
  static FaultPlan harmful(Rng& rng) noexcept;   // some of both

  bool can_fail() const noexcept {
    return reset > 0 || vanish > 0 || refuse > 0 || unreachable > 0 || hang > 0 || accept_failure > 0 ||
           open_failure > 0 || spawn_failure > 0;
  }
};

}  // namespace weir::sim
