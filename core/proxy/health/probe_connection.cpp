#include "core/proxy/health/probe_connection.hpp"

#include <fmt/format.h>

#include "core/reactor/open.hpp"

namespace weir::proxy {

std::string too_late(std::string_view what, Duration timeout) {
  const auto bound = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
  return fmt::format("no {} within {} ms", what, bound.count());
}

Task<Probe> connect_for_probe(Reactor& reactor, Stream& stream, const ProbeTarget& target, ProbeDeadline& deadline) {
  Probe probe;
  probe.reason = "it has no address";
  for (const Address& address : target.addresses) {
    if (deadline.reached()) break;
    if (const Error error = open_stream(reactor.backend(), stream.handle(), address)) {
      probe.verdict = is_local_exhaustion(error) ? Probe::Verdict::not_made : Probe::Verdict::failed;
      probe.reason = describe(error);
      continue;
    }
    auto connected = co_await stream.connect(address);
    if (connected && !deadline.reached()) {
      probe.verdict = Probe::Verdict::passed;
      break;
    }
    probe.verdict = Probe::Verdict::failed;
    probe.reason = deadline.explain(connected ? Error(Errc::cancelled) : connected.error(), "connection");
    stream.close_now();
  }
  co_return probe;
}

}  // namespace weir::proxy
