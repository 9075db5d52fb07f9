#pragma once
// Deadline: the one deadline of an exchange, moved from phase to phase on a timer that its client connection or stream
// lends it: an idle connection needs that timer and nothing more. It knows when something is late and tells its watcher;
// what that means is the watcher's business. One thread, the reactor's.

#include <cstdint>

#include "core/reactor/reactor.hpp"

namespace weir::proxy {

// What is waited for; decides what a deadline means.
enum class Phase : std::uint8_t {
  head,        // the rest of the request's head
  connect,
  first_byte,  // the head of the response
  body,        // idle: extended by progress in either direction
  tunnel,      // idle, as above
};

enum class Late : std::uint8_t {
  phase,        // the phase took too long
  total,        // the whole exchange did
  half_closed,  // the client closed its side a while ago and has still got no answer
};

class Deadline {
 public:
  class Watcher {
   public:
    // Nothing is armed when it is called; may enter another phase or destroy the deadline.
    virtual void late(Late what) noexcept = 0;
    // When bytes last moved, in an idle phase.
    virtual TimePoint last_progress() const noexcept { return {}; }

   protected:
    ~Watcher() = default;
  };
  // Told when the time asked for by remind() has come.
  class Reminded {
   public:
    virtual void reminded() noexcept = 0;

   protected:
    ~Reminded() = default;
  };

  // The timer is lent as long as the deadline lives; its owner calls fired() when it fires.
  Deadline(Reactor& reactor, Timer& timer) noexcept : reactor_(reactor), timer_(timer) {}
  void fired() noexcept;

  void set_watcher(Watcher* watcher) noexcept { watcher_ = watcher; }

  // Starts a phase that may last `limit`; 0: for ever.
  void enter(Phase phase, Duration limit) noexcept;
  Phase phase() const noexcept { return phase_; }

  // The whole exchange ends by then; TimePoint::max(): whenever. Holds from the next enter() on.
  void set_total(TimePoint at) noexcept {
    total_ = at;
    rebound();
  }
  // It ends by then at the latest.
  void bound_total(TimePoint at) noexcept {
    if (at < total_) set_total(at);
  }
  // The client has closed its side and is given up then, unless its answer has begun.
  void give_up_at(TimePoint at) noexcept;
  void forget_half_close() noexcept {
    if (half_closed_ == TimePoint::max()) return;
    half_closed_ = TimePoint::max();
    rebound();
  }
  // Tells `whom` in a while, in whatever phase that is: cheaper than a timer of its own. Holds from the next enter() on.
  void remind(Duration in, Reminded& whom) noexcept {
    reminder_ = reactor_.now() + in;
    reminded_ = &whom;
    rebound();
  }
  void forget_reminder() noexcept {
    if (reminder_ == TimePoint::max()) return;
    reminder_ = TimePoint::max();
    rebound();
  }


 private:
  void arm() noexcept { reactor_.timers().arm(timer_, phase_end_ < bound_ ? phase_end_ : bound_); }
  void rebound() noexcept;
  bool extended(TimePoint now) noexcept;

  Reactor& reactor_;
  Timer& timer_;
  Watcher* watcher_ = nullptr;
  Reminded* reminded_ = nullptr;
  Phase phase_ = Phase::head;
  Duration limit_{};
  TimePoint phase_end_ = TimePoint::max();
  TimePoint total_ = TimePoint::max();
  TimePoint half_closed_ = TimePoint::max();
  TimePoint reminder_ = TimePoint::max();
  TimePoint bound_ = TimePoint::max();  // the earliest of these three
};

}  // namespace weir::proxy
