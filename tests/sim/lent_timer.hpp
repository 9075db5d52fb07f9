#pragma once
// LentTimer: the timer that a test lends to a deadline, as a client connection does. One thread, the reactor's.

#include "core/proxy/deadline.hpp"

namespace weir::sim {

class LentTimer final : public Timer {
 public:
  LentTimer() noexcept : Timer([](Timer& timer) noexcept { static_cast<LentTimer&>(timer).deadline_->fired(); }) {}

  void lend_to(proxy::Deadline& deadline) noexcept { deadline_ = &deadline; }

 private:
  proxy::Deadline* deadline_ = nullptr;
};

}  // namespace weir::sim
