#pragma once
// StatusReporter: where a service is between start and end, as the service control manager wants to be told. It keeps
// the rules: states follow one another by a table, a checkpoint grows with every report of a pending state, and no
// control is accepted while one is pending. Owns no handle: each report goes to a function. Any thread.

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

namespace weir::windows_service {

enum class State : std::uint8_t { start_pending, running, stop_pending, stopped };

struct StatusReport {
  State state = State::start_pending;
  bool takes_controls = false;
  int exit_code = 0;  // of `stopped`; 0 is success, any other is service-specific
  std::uint32_t checkpoint = 0;
  std::chrono::milliseconds wait_hint{0};  // the next report comes within it; 0 unless pending

  friend bool operator==(const StatusReport&, const StatusReport&) = default;
};

class StatusReporter {
 public:
  // `publish` is called with a lock held, never twice at a time, and must not call back.
  explicit StatusReporter(std::function<void(const StatusReport&)> publish);

  // Each reports, unless the state does not follow the present one: that changes nothing. So a service that was told
  // to stop while it started never is `running`.
  void starting(std::chrono::milliseconds longest);  // also: the start makes progress
  void running();
  void stopping(std::chrono::milliseconds longest);  // also: the stop makes progress
  void stopped(int exit_code);

  // The next report may take this long. Says nothing unless a state is pending.
  void extend(std::chrono::milliseconds longest);

  StatusReport last() const;

 private:
  void report(State next, int exit_code, std::chrono::milliseconds longest);

  const std::function<void(const StatusReport&)> publish_;
  mutable std::mutex mutex_;
  StatusReport last_;
};

// How a service that ended by itself, or could not start, leaves.
enum class Leaving : std::uint8_t {
  reported,  // as stopped, with its exit code: it stays stopped
  silent,    // the process ends without a word, which the service control manager takes for a crash: it starts the
             // service again by the recovery actions
};

struct End {
  int exit_code = 0;
  bool was_running = false;  // `running` was reported once
  bool asked_to_stop = false;
  bool started_by_hand = false;  // somebody waits for the verdict; otherwise at boot, or by a recovery action
};

// Success, a refused configuration (78), wrong usage (2) and whatever follows a request to stop are reported: to start
// again would change nothing. So is a failed start that somebody looks at. Any other failure is worth another try.
// Recovery actions can tell failures apart by this alone: with FailureActionsOnNonCrashFailures every exit code but 0
// starts the service again, and a refused configuration for ever.
Leaving leaving(const End& end) noexcept;

}  // namespace weir::windows_service
