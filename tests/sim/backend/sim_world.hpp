#pragma once
// SimWorld: one simulated universe: a virtual clock, a network, scripted events, a source of chance and a hash over
// everything that happened. All of it follows from one 64-bit seed: no address, no hash order and no real clock gets
// in. It owns listeners, connections and events; backends (one per simulated process) refer to it and end before it.
// One thread, except SimBackend::wake.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/rng.hpp"
#include "core/base/time.hpp"
#include "tests/sim/backend/fault_plan.hpp"
#include "tests/sim/backend/sim_profile.hpp"

namespace weir {
class Reactor;
}

namespace weir::sim {

class SimBackend;
class SimChildren;
class SimNetwork;

// What is hashed of everything that happens.
enum class TraceKind : std::uint8_t {
  open,
  attach,
  close,
  shutdown,
  submit,
  done,
  complete,
  cancel,
  wait,
  network,
  note,
  child
};

class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed);
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;
  ~SimWorld();  // precondition: every backend is gone

  std::uint64_t seed() const noexcept { return seed_; }
  TimePoint now() const noexcept { return now_; }
  Rng& rng() noexcept { return rng_; }

  // A backend of this world, for a Reactor to own. Each is a process of its own with an address of its own.
  std::unique_ptr<SimBackend> make_backend(const SimProfile& profile = {});

  // --- driving several reactors on one thread ---
  // Reactors whose backends are of this world, in the order of the calls; released before they are destroyed.
  void drive(Reactor& reactor);
  void release(Reactor& reactor);
  // Turns the driven reactors in an order drawn from the seed and lets time pass only when all of them are idle. Ends
  // when `done` says so (true) or at now() + limit (false). Without driven reactors, Reactor::run works as well: wait()
  // then moves the clock itself.
  bool run_until(const std::function<bool()>& done, Duration limit);
  bool run_for(Duration span);

  // Calls `what` at that time, from outside of every backend call in run_until, from within wait() otherwise; there it
  // may wake a backend and change the network, nothing else.
  void at(TimePoint time, std::function<void()> what);

  // --- chance ---
  // BUGGIFY: each name is a switch that is on or off for the whole run (half of them are on); one that is on gives true
  // with probability p. Always false until enable_chances().
  bool chance(std::string_view name, double p);
  void enable_chances() noexcept { chances_on_ = true; }
  const std::map<std::string, std::uint64_t, std::less<>>& chances_taken() const noexcept { return taken_; }

  // --- network ---
  void set_faults(const FaultPlan& plan);  // of every link without a plan of its own
  void set_faults(std::uint32_t from, std::uint32_t to, const FaultPlan& plan);  // backend ids: who connects to whom
  const FaultPlan& faults(std::uint32_t from, std::uint32_t to) const noexcept;
  SimNetwork& network() noexcept { return *network_; }

  // --- child processes ---
  SimChildren& children() noexcept { return *children_; }  // programs are registered there

  // --- accounting ---
  std::size_t open_handles() const noexcept;  // of all backends, and objects that no handle has taken over
  std::size_t ops_in_flight() const noexcept;
  std::uint64_t trace_hash() const noexcept { return trace_; }
  std::uint64_t events_run() const noexcept { return events_run_; }
  void note(std::uint64_t value) noexcept { trace(TraceKind::note, 0, value); }  // lets a test add to the trace

 private:
  friend class SimBackend;
  friend class SimNetwork;
  friend class SimChildren;

  void trace(TraceKind kind, std::uint32_t backend, std::uint64_t a, std::uint64_t b = 0) noexcept;
  TimePoint next_event() const noexcept;  // max() when there is none
  void advance_to(TimePoint time);        // runs what is due on the way
  void turn_all(TimePoint limit);
  bool anything_to_do() const noexcept;
  TimePoint earliest_sleep() const noexcept;
  void join(SimBackend& backend);
  void leave(SimBackend& backend) noexcept;

  std::uint64_t seed_;
  Rng rng_;
  TimePoint now_{1'000'000'000};  // not zero, so that "0" never is a time by accident
  std::uint64_t trace_ = 0xcbf29ce484222325;
  std::uint64_t events_run_ = 0;
  std::uint64_t event_order_ = 0;
  std::uint64_t activity_ = 0;  // grows with everything a backend is asked or says
  std::uint64_t moved_ = 0;     // bytes that were read or written
  std::uint32_t next_backend_ = 1;
  bool driving_ = false;
  bool chances_on_ = false;
  std::map<std::pair<std::int64_t, std::uint64_t>, std::function<void()>> events_;
  std::map<std::string, bool, std::less<>> switches_;
  std::map<std::string, std::uint64_t, std::less<>> taken_;
  FaultPlan default_faults_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, FaultPlan> link_faults_;
  std::vector<SimBackend*> backends_;
  std::vector<Reactor*> driven_;
  std::unique_ptr<SimNetwork> network_;
  std::unique_ptr<SimChildren> children_;
};

}  // namespace weir::sim
