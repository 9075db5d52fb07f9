#pragma once
// Server: the proxy engine of one worker. It owns the listeners, the client connections and the upstream pools of one
// reactor, and runs on that reactor's thread only. It touches the operating system only through the reactor's backend.

#include <cstdint>
#include <memory>

#include "core/proxy/counters.hpp"
#include "core/proxy/server_options.hpp"
#include "core/proxy/snapshot.hpp"
#include "core/reactor/reactor.hpp"

namespace weir::proxy {

class Server {
 public:
  Server(Reactor& reactor, std::shared_ptr<const Snapshot> snapshot, const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until drain() or stop(): ends when every connection is gone and every handle is closed. An error: a listener
  // could not be opened, and nothing was served.
  Task<Result<void>> run();

  // Own thread. Serves what another worker accepted; its own limits were checked there. A server that has ended closes it.
  void take_over(const AcceptedConnection& connection) noexcept;

  // Own thread. For another worker that is full: closes the connection that has been idle longest here, if one is.
  void make_room(std::uint32_t listener) noexcept;

  // Own thread. Takes a new configuration up in two steps, so that several servers take it up or none does: prepare() opens
  // what is new and says what failed, in which case nothing is left of it; then commit() or abandon(). A request that
  // has begun goes on by the configuration it began with. Client connections stay, but for those of a listener that is
  // gone, which have Spec::runtime.shutdown to end. A draining server takes nothing up: Errc::cancelled.
  Error prepare(Change change);
  void commit();
  void abandon() noexcept;

  // Own thread. Closes the listeners once what waits there is accepted; everything else goes on until drain().
  void close_listeners() noexcept;

  // Own thread. Closes the listeners at once; requests in flight are finished, answers carry Connection: close, idle
  // connections end after Spec::runtime.shutdown.idle, everything after shutdown.timeout.
  void drain() noexcept;

  // Own thread. As drain(), but what is in flight, tunnels included, may take as long as it takes; a drain() may follow.
  void finish() noexcept;

  // Own thread. Cuts what is left.
  void stop() noexcept;

  const ServerCounters& counters() const noexcept;
  std::uint32_t connections() const noexcept;     // client connections now
  std::uint32_t idle_upstreams() const noexcept;  // pooled connections now
  bool draining() const noexcept;                 // finish(), drain() or stop() was called, or all is over

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::proxy
