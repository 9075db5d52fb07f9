#pragma once
// One check of one endpoint, from its begin to its verdict: the kinds that a health check can be of. Each ends at its
// deadline or soon after its token is cancelled, with everything closed that it opened. Control thread; through the
// reactor's backend only.

#include <cstdint>
#include <string>
#include <vector>

#include "core/coro/cancel.hpp"
#include "core/coro/task.hpp"
#include "core/http/limits.hpp"
#include "core/proxy/spec.hpp"
#include "core/reactor/child.hpp"
#include "core/reactor/reactor.hpp"

namespace weir::proxy {

// What is checked, and in which circumstances. Outlives the probe.
struct ProbeTarget {
  const UpstreamSpec& upstream;  // with a health check
  const EndpointSpec& endpoint;
  const http::Limits& limits;    // of an answer's head
  bool was_up = true;            // what the endpoint counts as so far
};

struct Probe {
  enum class Verdict : std::uint8_t {
    passed,
    failed,
    not_made,  // weir lacked descriptors or memory for it: that says nothing about the endpoint
  };
  Verdict verdict = Verdict::failed;
  std::string reason;  // for people: "status 503", "connection refused (os error 111)"
  std::string output;  // of a script: its first bytes
};

// Bytes of a script's output that are kept.
inline constexpr std::size_t kept_output = 1024;

// An endpoint with several addresses is connected to as a request would do it: in their order, until one accepts.
Task<Probe> probe_tcp(Reactor& reactor, const ProbeTarget& target, CancelToken token);
Task<Probe> probe_http(Reactor& reactor, const ProbeTarget& target, CancelToken token);
Task<Probe> probe_script(Reactor& reactor, const ProbeTarget& target, CancelToken token);

// The request that probe_http sends.
std::string health_request(const ProbeTarget& target);
// What a script is told: WEIR_UPSTREAM, WEIR_ENDPOINT, WEIR_ADDRESS, WEIR_PORT, WEIR_ADDRESSES, WEIR_STATE.
std::vector<EnvironmentVariable> script_environment(const ProbeTarget& target);

}  // namespace weir::proxy
