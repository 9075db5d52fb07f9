#pragma once
// Server: the proxy engine of one worker. It owns the listeners, the client connections and the upstream pools of one
// reactor, and runs on that reactor's thread only. It touches the operating system only through the reactor's backend.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/proxy/snapshot.hpp"
#include "core/reactor/reactor.hpp"

namespace weir::proxy {

// A listening descriptor that was opened before the worker started; ownership passes to the server.
struct AdoptedListener {
  std::uint32_t listener = 0;   // index into Spec::listeners
  NativeHandle native = no_native_handle;
};

// A connection that one worker accepted for another: open, attached to no backend, and counted in SharedCounters.
struct AcceptedConnection {
  std::uint32_t listener = 0;
  NativeHandle native = no_native_handle;
  Address peer;  // IPv4 or IPv6
};

// Shared by the workers of one process.
struct SharedCounters {
  std::size_t listening = 1;                                         // sockets of all workers that clients connect to
  std::atomic<std::uint32_t> connections{0};                         // client connections now
  std::unique_ptr<std::atomic<std::uint32_t>[]> per_listener;       // the same by listener; made by the daemon
};

struct ServerOptions {
  std::vector<AdoptedListener> listeners;  // empty: the server opens Spec::listeners itself, through the backend
  // Another worker accepts for this one: it opens no listeners of its own and runs until it is told to end.
  bool takes_over = false;
  // This worker accepts for others: offers them a connection on the worker's thread. True: it was taken. Null: it serves
  // what it accepts.
  bool (*hand_over)(void* context, const AcceptedConnection& connection) noexcept = nullptr;
  void* hand_over_context = nullptr;
  std::uint32_t max_connections = 0;       // client connections of the whole process (0: unbounded)
  SharedCounters* shared = nullptr;        // null: this server is alone
  std::uint64_t seed = 1;                  // request ids and the start of round robin
  // One access-log line with its line feed. Called on the worker's thread; must not block. Null: no log.
  void (*log_line)(void* context, std::string_view line) noexcept = nullptr;
  // One operational event ("accept paused: out of descriptors"). Null: silent.
  void (*log_event)(void* context, std::string_view text) noexcept = nullptr;
  // A burst is over and memory went back to the heap: a good moment to give it back to the system. Null: nothing to do.
  void (*memory_freed)(void* context) noexcept = nullptr;
  void* context = nullptr;
};

// Of one worker; read by others after the worker ended, or approximately.
struct ServerCounters {
  std::uint64_t accepted = 0, requests = 0, responses = 0, bytes_in = 0, bytes_out = 0;
  std::uint64_t upstream_connects = 0, upstream_reuses = 0, retries = 0, accept_pauses = 0;
};

class Server {
 public:
  Server(Reactor& reactor, std::shared_ptr<const Snapshot> snapshot, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until drain() or stop(): ends when every connection is gone and every handle is closed. An error: a listener
  // could not be opened, and nothing was served.
  Task<Result<void>> run();

  // Own thread. Serves what another worker accepted; its own limits were checked there. A server that has ended closes it.
  void take_over(const AcceptedConnection& connection) noexcept;

  // Own thread. Closes the listeners once what waits there is accepted; everything else goes on until drain().
  void close_listeners() noexcept;

  // Own thread. Closes the listeners at once; requests in flight are finished, answers carry Connection: close, idle
  // connections end after Spec::runtime.shutdown.idle, everything after shutdown.timeout.
  void drain() noexcept;

  // Own thread. Cuts what is left.
  void stop() noexcept;

  const ServerCounters& counters() const noexcept;
  std::uint32_t connections() const noexcept;       // client connections now
  std::uint32_t idle_upstreams() const noexcept;    // pooled connections now
  bool draining() const noexcept;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::proxy
