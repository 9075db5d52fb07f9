#pragma once
// Serving: what this process serves by at present, and what outlives a configuration. Made at the start, changed by a reload;
// the control thread's.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/proxy/snapshot.hpp"
#include "daemon/cli.hpp"
#include "daemon/listening.hpp"
#include "daemon/resolve.hpp"

namespace weir::daemon {

struct Serving {
  std::shared_ptr<const proxy::Spec> spec;
  std::shared_ptr<const proxy::Snapshot> snapshot;  // of it; null until the first one is compiled
  ListeningSockets sockets;
  std::uint32_t workers = 1;
  std::size_t descriptors = 0;       // the process's limit, or that of its backend
  std::size_t descriptors_used = 0;  // before the first listener was opened
  proxy::EndpointStates endpoints;
  proxy::ListenerStates listeners;
  std::vector<std::shared_ptr<const proxy::Snapshot>> earlier;

  // The previous snapshot is kept until no worker uses it: destroying a large one takes too long for a worker's turn.
  void take_up(std::shared_ptr<const proxy::Spec> specification, std::shared_ptr<const proxy::Snapshot> compiled);
  void let_go_of_unused();  // to be called regularly

  // Compiles a specification for these workers, with what was found out about it.
  std::shared_ptr<const proxy::Snapshot> compile(std::shared_ptr<const proxy::Spec> specification, const Resolved& names,
                                                 std::size_t listening);
};

// How the descriptors of the process are shared out. A proxied client takes a second one for its upstream connection, and
// pools keep connections that only their own worker can use: where all of that together may not fit, pools are made
// smaller, so that no client is turned away.
struct Shares {
  std::uint32_t max_connections = 1;    // client connections of the process
  std::uint32_t max_idle = UINT32_MAX;  // bounds UpstreamSpec::max_idle
};
Shares share_out(const proxy::Spec& spec, std::uint32_t workers, std::size_t limit, std::size_t used);

// The settings that a reload cannot change, as sentences: what it was, what it would be. Empty: there are none that differ.
std::vector<std::string> needs_restart(const proxy::Spec& now, const proxy::Spec& next, const Overrides& overrides);

}  // namespace weir::daemon
