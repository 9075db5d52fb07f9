#pragma once
// LogReopening: has a log's file opened again and waits for how that went, which the log's writer, on its own thread, finds
// out. A writer that is blocked on a full pipe delays only the callers that wait for it. Made before the writer, outlives it.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "core/base/log.hpp"
#include "core/coro/event.hpp"
#include "core/coro/task.hpp"
#include "core/reactor/reactor.hpp"

namespace weir::daemon {

class LogReopening {
 public:
  LogReopening() noexcept;

  // Control thread, whose reactor it is.
  // Empty: the file is open again. Otherwise why not, or that give_up() was called.
  Task<std::string> run(Reactor& reactor, LogWriter& writer);
  void give_up() noexcept;  // releases all present and future waiters at once

  // Writer's thread, from LogOptions::reopen.
  void begins() noexcept { doing_ = asked_.load(std::memory_order_acquire); }
  void ended(std::string problem) noexcept;  // empty: it is open

 private:
  struct Note : Posted {
    LogReopening* self = nullptr;
    std::atomic<bool> queued{false};
  };

  std::atomic<std::uint64_t> asked_{0};  // how often
  std::uint64_t doing_ = 0;              // writer's: what it is asked for so far
  Note note_;
  Event told_;
  bool given_up_ = false;

  std::mutex mutex_;  // guards what follows
  Reactor* reactor_ = nullptr;
  std::uint64_t done_ = 0;
  std::string problem_;
};

}  // namespace weir::daemon
