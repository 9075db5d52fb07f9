#pragma once
// ReadinessBackend: what epoll, kqueue, poll and select share. It tries an operation at once, parks it on would-block,
// and tries again when the descriptor is ready. It remembers in the handle whether trying is worth a system call: an
// idle receive parks without one, and a keep-alive request needs no more calls than it has transfers.
// Owned and called by the reactor's thread; wake() by any. Never runs user code, never blocks outside wait().
//
// To add a backend: write arm() and poll(), a line in registry.cpp, rows in restrictions.cpp, run the conformance
// suite.

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/platform/child_exits.hpp"
#include "core/platform/wakeup.hpp"
#include "core/reactor/backend.hpp"

namespace weir {

// A set of directions: Handle::armed holds one.
enum class Interest : std::uint8_t { none = 0, read = 1, write = 2, both = 3 };

constexpr std::uint8_t bits(Interest interest) noexcept { return static_cast<std::uint8_t>(interest); }

// Names an attached handle for as long as it is attached. What the kernel hands back with an event.
struct Token {
  std::uint32_t slot = Handle::no_slot;
  std::uint32_t generation = 0;
};
inline constexpr Token wake_token{};  // the slot of no handle

struct Fired {
  Token token;
  bool readable;
  bool writable;
  bool hung_up;  // the peer's end, an error: both directions are worth trying
};
using FiredList = std::vector<Fired>;

class ReadinessBackend : public Backend {
 public:
  ~ReadinessBackend() override;

  const Capabilities& capabilities() const noexcept final { return capabilities_; }
  TimePoint now() const noexcept final;
  WallTime wall_time() const noexcept final;
  const BackendCounters& counters() const noexcept final { return counters_; }

  Error open(Handle& handle, const OpenSpec& spec) noexcept final;
  Error attach(Handle& handle) noexcept override;
  void shutdown(Handle& handle, Direction direction) noexcept final;
  void abort_on_close(Handle& handle) noexcept final;
  void close(Handle& handle) noexcept override;

  Error spawn(ChildProcess& child, const SpawnSpec& spec) noexcept final;
  void kill_tree(ChildProcess& child) noexcept final;

  Submit submit(Op& op) noexcept override;
  void cancel(Op& op) noexcept override;
  void wait(TimePoint deadline, Queue<Op>& ready) noexcept final;
  void wake() noexcept final {
    called_.store(true, std::memory_order_release);
    wakeup_.signal();
  }

 protected:
  explicit ReadinessBackend(const Capabilities& capabilities) noexcept;

  // Opens the wakeup descriptor; the backend watches it under wake_token.
  Error open_wakeup() noexcept { return wakeup_.open(); }
  // Instead, where the backend's own queue takes a call from any thread that is reported under wake_token.
  void open_wakeup(platform::Wakeup::Trigger trigger, NativeHandle queue) noexcept { wakeup_.open(trigger, queue); }
  NativeHandle wake_descriptor() const noexcept { return wakeup_.descriptor(); }

  // Makes sure that an event of these directions will be reported, at once if they are ready now, and records in
  // handle.armed what is known to the kernel. It may report once and forget (clearing handle.armed) or stay armed and
  // report changes. Interest::none: nothing is to be reported any more, the descriptor is about to be closed.
  virtual Error arm(Handle& handle, Interest interest) noexcept = 0;

  // Whether arm() can be asked for the end of a child process that has no descriptor, only its number (a kqueue can). If
  // not, the base looks at those children whenever the process hears that one has ended.
  virtual bool arms_numbers() const noexcept { return false; }

  // Sleeps until an event or `until` and appends what fired, the wakeup included. May return early and empty-handed.
  virtual void poll(TimePoint until, FiredList& fired) noexcept = 0;

  // poll() found that the system's wait fails and will fail again: see Backend::failure.
  void fail(Error error) noexcept { failure_ = error; }

  // For a backend that completes ops of its own: the result is in the op, which is parked no more; and what became of
  // its request is dropped, since the handle was closed.
  void end(Op& op) noexcept {
    op.state = OpState::ready;
    ended_.push(op);
  }
  void note_stale_event() noexcept { ++counters_.stale_events; }
  // The next wait asks the system, even when there is something to report without.
  void ask_system() noexcept { skipped_ = true; }
  // One try of an op that is not parked. False: it would have blocked.
  bool attempt(Op& op) noexcept;

  // How long to sleep: zero when the point has passed.
  Duration time_until(TimePoint until) const noexcept;
  std::size_t attached() const noexcept { return attached_; }  // how many handles
  Handle* handle_at(std::uint32_t slot) const noexcept { return slots_[slot].handle; }
  static Token token_of(const Handle& handle) noexcept { return {handle.slot, handle.generation}; }

  Capabilities capabilities_;

 private:
  struct Slot {
    Handle* handle = nullptr;  // null: free
    std::uint32_t generation = 0;
    std::uint32_t next_free = Handle::no_slot;
  };

  bool armable(const Handle& handle) const noexcept;
  Error note_numbered(Handle& handle) noexcept;
  void look_after_children(Queue<Op>& ready) noexcept;
  Error park(Op& op) noexcept;
  void dispatch(const Fired& fired, Queue<Op>& ready) noexcept;
  void retry(Op*& parked, Queue<Op>& ready) noexcept;
  void take_ended(Queue<Op>& ready) noexcept;
  void end_all(Queue<Op>& ready) noexcept;
  void wait_without_system(TimePoint deadline, Queue<Op>& ready) noexcept;

  std::vector<Slot> slots_;
  std::uint32_t free_slot_ = Handle::no_slot;
  std::size_t attached_ = 0;
  FiredList fired_;
  std::size_t next_fired_ = 0;  // what comes before it has been dispatched
  Queue<Op> ended_;            // cancelled, or completed by the backend itself
  bool woken_ = false;
  bool skipped_ = false;       // the last wait did not ask the system
  std::size_t completed_ = 0;  // by the wait that is running
  platform::Wakeup wakeup_;
  std::atomic<bool> called_{false};  // by wake(), and not only by the end of a child
  platform::ChildExits child_exits_;
  std::vector<Handle*> numbered_children_;  // attached, and their end is not for arm()
  bool descriptors_for_children_;           // where the system has them
  BackendCounters counters_;
};

}  // namespace weir
