#pragma once
// One check of one endpoint, from its start to its verdict, for each kind of check: probe_tcp, probe_http and
// probe_script, one file each. A probe ends at its deadline or soon after its token is cancelled, and closes what it
// has opened. Control thread; through the reactor's backend only.

#include <cstdint>
#include <string>
#include <vector>

#include "core/coro/cancel.hpp"
#include "core/coro/task.hpp"
#include "core/proxy/spec.hpp"
#include "core/proxy/upstream_source.hpp"
#include "core/reactor/child.hpp"
#include "core/reactor/reactor.hpp"

namespace weir::proxy {

// What is checked, and under which circumstances. Outlives the probe.
struct ProbeTarget {
  const UpstreamSpec& upstream;  // with a health check
  const EndpointSpec& endpoint;
  const std::vector<Address>& addresses;
  bool was_up = true;            // how the endpoint counts so far
  const http::Limits& limits = http::usual_limits;  // of an answer
};

struct Probe {
  enum class Verdict : std::uint8_t {
    passed,
    failed,
    not_made,  // weir itself ran out of something (is_local_exhaustion): that says nothing about the endpoint
  };
  Verdict verdict = Verdict::failed;
  std::string reason;  // for people: "status 503", "connection refused (os error 111)"
  std::string output;  // of a script: its first bytes
};

// Bytes of a script's output that are kept.
inline constexpr std::size_t kept_output = 1024;

// Passed: a connection is accepted. The addresses of an endpoint are tried as for a request: in order, until one
// accepts.
Task<Probe> probe_tcp(Reactor& reactor, const ProbeTarget& target, CancelToken token);

// Passed: the answer to a GET has a status that is expected. `protocol` speaks on the same reactor.
Task<Probe> probe_http(Reactor& reactor, UpstreamProtocol& protocol, const ProbeTarget& target, CancelToken token);

// Passed: the program ends with code 0.
Task<Probe> probe_script(Reactor& reactor, const ProbeTarget& target, CancelToken token);
// What a script is told: WEIR_UPSTREAM, WEIR_ENDPOINT, WEIR_ADDRESS, WEIR_PORT, WEIR_ADDRESSES, WEIR_STATE.
std::vector<EnvironmentVariable> script_environment(const ProbeTarget& target);

// "no answer within 2000 ms".
std::string too_late(std::string_view what, Duration timeout);

}  // namespace weir::proxy
