#include "core/reactor/timers.hpp"

#include <algorithm>
#include <bit>

namespace weir {
namespace {

constexpr std::int64_t tick_ns = std::int64_t{1} << Timers::tick_shift;

// The first tick that is not before the deadline, so that no timer fires early.
std::uint64_t tick_at_or_after(TimePoint deadline) noexcept {
  const std::int64_t ns = std::clamp<std::int64_t>(deadline.ns, 0, INT64_MAX - tick_ns);
  return static_cast<std::uint64_t>(ns + tick_ns - 1) >> Timers::tick_shift;
}

std::uint64_t tick_of(TimePoint now) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now.ns, 0)) >> Timers::tick_shift;
}

}  // namespace

Timers::Timers(TimePoint start) noexcept : current_(tick_of(start)) {}

void Timers::arm(Timer& timer, TimePoint deadline) noexcept {
  if (deadline == TimePoint::max()) return disarm(timer);
  timer.deadline_ = deadline;
  const std::uint64_t tick = tick_at_or_after(deadline);
  if (timer.linked()) {
    if (tick >= timer.tick_) return;  // looked at again when its old place is due
    timer.unlink();
  }
  file(timer, tick);
}

void Timers::disarm(Timer& timer) noexcept {
  timer.deadline_ = TimePoint::max();
  if (timer.linked()) timer.unlink();
}

// The level is that of the highest digit (base 64) in which the tick differs from the current one. So every slot in
// use lies ahead of the current digit of its level, and everything on a level is due before anything above it.
void Timers::file(Timer& timer, std::uint64_t tick) noexcept {
  timer.tick_ = std::max(tick, current_);
  const std::uint64_t differing = (timer.tick_ ^ current_) | 1;
  const int level = static_cast<int>(std::bit_width(differing) - 1) / slot_bits;
  const std::size_t slot = timer.tick_ >> (level * slot_bits) & (slots - 1);
  wheel_[level][slot].push_back(timer);
  occupied_[level] |= std::uint64_t{1} << slot;
}

bool Timers::first_due(Due& due) const noexcept {
  for (int level = 0; level < levels; ++level) {
    while (occupied_[level] != 0) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
      if (wheel_[level][slot].empty()) {
        occupied_[level] &= ~(std::uint64_t{1} << slot);
        continue;
      }
      const int shift = level * slot_bits;
      const std::uint64_t above = current_ >> shift >> slot_bits << slot_bits;
      due = {level, slot, (above | slot) << shift};
      return true;
    }
  }
  return false;
}

TimePoint Timers::next_deadline() const noexcept {
  Due due;
  if (!first_due(due)) return TimePoint::max();
  return {static_cast<std::int64_t>(due.tick << tick_shift)};
}

std::size_t Timers::expire(TimePoint now) noexcept {
  const std::uint64_t reached = tick_of(now);
  // Collect first: a callback that arms a timer which is already due gets its turn at the next call, not in this one.
  for (Due due; first_due(due) && due.tick <= reached;) {
    current_ = std::max(current_, due.tick);
    List<Timer, Timer> moved;
    moved.splice_back(wheel_[due.level][due.slot]);
    occupied_[due.level] &= ~(std::uint64_t{1} << due.slot);
    while (Timer* timer = moved.pop_front()) {
      const std::uint64_t tick = tick_at_or_after(timer->deadline_);
      if (tick <= current_) {
        due_.push_back(*timer);
      } else {
        file(*timer, tick);
      }
    }
  }
  current_ = std::max(current_, reached);

  std::size_t fired = 0;
  while (Timer* timer = due_.pop_front()) {
    const std::uint64_t tick = tick_at_or_after(timer->deadline_);
    if (tick > current_) {  // a callback before it moved it to later
      file(*timer, tick);
      continue;
    }
    timer->deadline_ = TimePoint::max();
    ++fired;
    timer->fire_(*timer);
  }
  return fired;
}

}  // namespace weir
