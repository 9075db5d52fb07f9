// The check `tcp`: somebody accepts a connection.
#include "core/proxy/health/probe_connection.hpp"

namespace weir::proxy {

Task<Probe> probe_tcp(Reactor& reactor, const ProbeTarget& target, CancelToken token) {
  Stream stream(reactor);
  ProbeDeadline deadline(reactor, stream, target.upstream.health_check->timeout, token);
  auto connecting = connect_for_probe(reactor, stream, target, deadline);
  Probe probe = co_await connecting;
  if (stream.is_open()) stream.close_now();
  co_return probe;
}

}  // namespace weir::proxy
