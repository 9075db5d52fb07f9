#pragma once
// ServerOptions: what a server is told about its place in the process: its listeners, its limits, the workers beside
// it, and where its logs go. Plain values, set before the server runs.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/base/address.hpp"
#include "core/proxy/counters.hpp"
#include "core/reactor/handle.hpp"

namespace weir::proxy {

class Handler;
struct Snapshot;

// A listening descriptor that was opened before the worker started; ownership passes to the server.
struct AdoptedListener {
  std::uint32_t listener = 0;  // its slot: ListenerState::slot
  NativeHandle native = no_native_handle;
  std::uint32_t socket = 0;    // identifies it among the listening sockets of one server
};

// A connection that one worker accepted for another: open, attached to no backend, and counted in SharedCounters.
struct AcceptedConnection {
  std::uint32_t listener = 0;  // its slot
  NativeHandle native = no_native_handle;
  Address peer;  // IPv4 or IPv6
};

// What a server is to serve from a moment on. Every listening socket that it is to have is named: those that it has go on,
// with the listener they belong to now; those that it has not bring their descriptor, which passes to the server; what is
// not named is closed when its backlog is accepted.
struct Change {
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<AdoptedListener> sockets;
};

struct ServerOptions {
  std::vector<AdoptedListener> listeners;  // empty: the server opens Spec::listeners itself, through the backend
  // Another worker accepts for this one: it opens no listeners of its own and runs until it is told to end.
  bool takes_over = false;
  // This worker accepts for others: offers them a connection on the worker's thread. True: it was taken. Null: the
  // worker serves what it accepts.
  bool (*hand_over)(void* context, const AcceptedConnection& connection) noexcept = nullptr;
  // Asks the nth of the other workers, from 0, to make room for a connection that came by this listener
  // (Server::make_room). False: there are not so many. Null: this server is alone.
  bool (*ask_for_room)(void* context, std::uint32_t listener, std::uint32_t nth) noexcept = nullptr;
  void* worker_context = nullptr;     // of these two
  SharedCounters* shared = nullptr;   // null: this server is alone
  std::uint64_t seed = 1;             // of request ids
  Handler* handler = nullptr;         // answers routes with RouteSpec::handled; outlives the server
  // One access-log line with its line feed. Called on the worker's thread; must not block. Null: no log.
  void (*log_line)(void* context, std::string_view line) noexcept = nullptr;
  bool log_colour = false;  // the access log is read on a terminal that shows colours
  // One operational event ("accept paused: out of descriptors"). Null: silent.
  void (*log_event)(void* context, std::string_view text) noexcept = nullptr;
  // A burst is over and memory went back to the heap: a good moment to give it back to the system. Null: nothing to do.
  void (*memory_freed)(void* context) noexcept = nullptr;
  void* context = nullptr;
};

}  // namespace weir::proxy
