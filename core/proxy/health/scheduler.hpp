#pragma once
// HealthScheduler: probes each endpoint of the present configuration periodically, independently of the others, records the
// results in the endpoints' states and reports what changes. It runs on the control thread's reactor, once per process
// however many workers there are, and touches the operating system only through the reactor's backend.

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/rng.hpp"
#include "core/coro/event.hpp"
#include "core/coro/scope.hpp"
#include "core/coro/semaphore.hpp"
#include "core/proxy/health/event.hpp"
#include "core/proxy/health/probe.hpp"
#include "core/proxy/snapshot.hpp"

namespace weir::proxy {

struct HealthOptions {
  std::uint64_t seed = 1;  // spreads the checks over their interval
  // By which http checks ask, on the scheduler's reactor; outlives it. Null only where there are none.
  UpstreamProtocol* protocol = nullptr;
  // Control thread. Null: silent.
  void (*report)(void* context, const HealthEvent& event) noexcept = nullptr;
  void* context = nullptr;
};

class HealthScheduler {
 public:
  // Checks the endpoints of the snapshot that have a state.
  HealthScheduler(Reactor& reactor, std::shared_ptr<const Snapshot> snapshot, const HealthOptions& options);
  HealthScheduler(const HealthScheduler&) = delete;
  HealthScheduler& operator=(const HealthScheduler&) = delete;
  ~HealthScheduler();

  // Checks until stop(), then ends as soon as what runs has ended: scripts are killed with all they started.
  Task<void> run();
  void stop() noexcept;

  // Switches to another configuration. Endpoints whose check is unchanged keep their schedule, new ones are checked within
  // a second, removed ones are no longer checked.
  void adopt(std::shared_ptr<const Snapshot> snapshot);

  std::size_t endpoints() const noexcept { return targets_.size(); }  // those whose last check is ending included

 private:
  struct Target;
  void add(const CompiledUpstream& upstream, const CompiledEndpoint& endpoint);
  Task<void> watch(Target& target);
  void forget(Target& target) noexcept;
  Task<Probe> check(Target& target);
  Duration random_below(Duration bound) noexcept;
  void record(Target& target, const Probe& probe);
  void report(const Target& target, HealthEvent::What what, const Probe& probe) const;

  Reactor& reactor_;
  std::shared_ptr<const Snapshot> snapshot_;
  HealthOptions options_;
  Rng rng_;
  Semaphore scripts_;
  std::vector<std::unique_ptr<Target>> targets_;
  Scope checking_;
  enum class State : std::uint8_t { made, running, stopped } state_ = State::made;
  Event stopped_;
};

}  // namespace weir::proxy
