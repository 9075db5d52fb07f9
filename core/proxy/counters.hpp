#pragma once
// Counters of the engine: those that one worker writes, and those that all workers of a process share. Plain values.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir::proxy {

// Of one worker. Read by others after the worker has ended, or approximately.
struct ServerCounters {
  std::uint64_t accepted = 0, requests = 0, responses = 0, bytes_in = 0, bytes_out = 0;
  std::uint64_t upstream_connects = 0, upstream_reuses = 0, retries = 0, accept_pauses = 0;
};

// Of one process. Written by all its workers.
struct SharedCounters {
  std::atomic<std::size_t> listening{1};      // sockets of all workers that clients connect to
  std::atomic<std::uint32_t> connections{0};  // client connections now; those of a listener are in its ListenerState
};

}  // namespace weir::proxy
