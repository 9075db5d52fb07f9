#pragma once
// Timers of one reactor: a hierarchical wheel of intrusive lists. arm, re-arm and disarm are O(1) and never allocate.
// A timer never fires early; it may fire late by one tick (about a millisecond) beside the clock's own resolution.

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/intrusive_list.hpp"
#include "core/base/time.hpp"

namespace weir {

// Embedded in whatever needs a deadline. Disarms itself when destroyed.
class Timer : public ListLink<Timer> {
 public:
  using Fire = void (*)(Timer&) noexcept;  // called with the timer disarmed; may re-arm or destroy it

  explicit Timer(Fire fire) noexcept : fire_(fire) {}
  ~Timer() {
    if (linked()) unlink();
  }

  bool armed() const noexcept { return deadline_ != TimePoint::max(); }
  TimePoint deadline() const noexcept { return deadline_; }

 private:
  friend class Timers;
  Fire fire_;
  TimePoint deadline_ = TimePoint::max();
  std::uint64_t tick_ = 0;  // where it is filed; a deadline moved later is only stored and refiled when this is due
};

class Timers {
 public:
  static constexpr int tick_shift = 20;  // 2^20 ns

  explicit Timers(TimePoint start) noexcept;
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  void arm(Timer& timer, TimePoint deadline) noexcept;  // armed before or not; TimePoint::max() disarms
  void disarm(Timer& timer) noexcept;

  // When expire() is worth calling next; max() when nothing is armed. Never later than the earliest deadline's tick.
  TimePoint next_deadline() const noexcept;

  // Fires every timer due at `now`, in order of tick. Returns how many fired.
  std::size_t expire(TimePoint now) noexcept;

 private:
  static constexpr int slot_bits = 6;
  static constexpr int levels = 8;  // 64^8 ticks: more than TimePoint can express
  static constexpr std::size_t slots = std::size_t{1} << slot_bits;
  struct Due {
    int level;
    std::size_t slot;
    std::uint64_t tick;
  };

  void file(Timer& timer, std::uint64_t tick) noexcept;
  bool first_due(Due& due) const noexcept;

  std::uint64_t current_;  // every tick before it has been handled
  // A bit per slot that may hold timers: disarming leaves it set, the next look clears it.
  mutable std::array<std::uint64_t, levels> occupied_{};
  std::array<std::array<List<Timer, Timer>, slots>, levels> wheel_;
  List<Timer, Timer> due_;  // taken off the wheel by the expire() that is running
};

}  // namespace weir
