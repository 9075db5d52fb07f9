#include "core/proxy/deadline.hpp"

#include <algorithm>

namespace weir::proxy {

void Deadline::enter(Phase phase, Duration limit) noexcept {
  phase_ = phase;
  limit_ = limit;
  phase_end_ = limit == Duration{} ? TimePoint::max() : reactor_.now() + limit;
  arm();
}

void Deadline::give_up_at(TimePoint at) noexcept {
  half_closed_ = at;
  rebound();
  arm();
}

void Deadline::rebound() noexcept { bound_ = std::min({total_, half_closed_, reminder_}); }

void Deadline::fired() noexcept {
  const TimePoint now = reactor_.now();
  if (reminder_ <= now) {
    forget_reminder();
    arm();
    return reminded_->reminded();
  }
  if (total_ <= now) {
    set_total(TimePoint::max());
    return watcher_->late(Late::total);
  }
  if (half_closed_ <= now) return watcher_->late(Late::half_closed);
  if (extended(now)) return arm();
  watcher_->late(Late::phase);
}

// Idle phases: any byte in either direction is progress.
bool Deadline::extended(TimePoint now) noexcept {
  if (phase_ == Phase::body || phase_ == Phase::tunnel) {
    phase_end_ = std::max(phase_end_, watcher_->last_progress() + limit_);
  }
  return phase_end_ > now;
}

}  // namespace weir::proxy
