#pragma once
// How long to wait for a service that starts or stops: as long as it makes progress, as Windows documents it for those
// who control services. Pure: the caller looks, and says when it looked. One thread.

#include <chrono>
#include <optional>

#include "windows-service/status.hpp"

namespace weir::windows_service {

class Patience {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // After each look at a pending service: how long until the next. Nothing: give up, there has been no new state or
  // checkpoint for longer than the service said it would take, and for `least` at the least.
  std::optional<std::chrono::milliseconds> next(const StatusReport& seen, Time now) noexcept;

  static constexpr std::chrono::seconds least{30};

 private:
  std::optional<StatusReport> last_;
  Time since_;
};

}  // namespace weir::windows_service
