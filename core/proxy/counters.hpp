#pragma once
// Counters of the engine: those that one worker writes, and those that all workers of a process share.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace weir::proxy {

// One thread adds, any thread reads: it costs no more than a plain number.
class Counter {
 public:
  Counter() noexcept = default;
  Counter(const Counter& other) noexcept : value_(other) {}
  Counter& operator=(const Counter& other) noexcept {
    value_.store(other, std::memory_order_relaxed);
    return *this;
  }
  operator std::uint64_t() const noexcept {  // NOLINT(google-explicit-constructor)
    return value_.load(std::memory_order_relaxed);
  }
  Counter& operator+=(std::uint64_t more) noexcept {
    value_.store(*this + more, std::memory_order_relaxed);
    return *this;
  }
  Counter& operator++() noexcept { return *this += 1; }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Of one worker, which writes them; a copy is a moment's.
struct ServerCounters {
  Counter accepted, requests, responses, bytes_in, bytes_out;
  Counter upstream_connects, upstream_reuses, retries, accept_pauses;

  ServerCounters& operator+=(const ServerCounters& other) noexcept {
    for (const auto member : {&ServerCounters::accepted, &ServerCounters::requests, &ServerCounters::responses,
                              &ServerCounters::bytes_in, &ServerCounters::bytes_out, &ServerCounters::upstream_connects,
                              &ServerCounters::upstream_reuses, &ServerCounters::retries, &ServerCounters::accept_pauses})
      this->*member += other.*member;
    return *this;
  }
};

// Of one process. Written by all its workers.
struct SharedCounters {
  std::atomic<std::size_t> listening{1};      // sockets of all workers that clients connect to
  std::atomic<std::uint32_t> connections{0};  // client connections now; those of a listener are in its ListenerState
};

}  // namespace weir::proxy
