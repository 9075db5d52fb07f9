#include "tests/sim/backend/fault_plan.hpp"

namespace weir::sim {
namespace {

Duration microseconds(std::uint64_t count) noexcept { return Duration{static_cast<std::int64_t>(count) * 1000}; }

}  // namespace

FaultPlan FaultPlan::harmless(Rng& rng) noexcept {
  FaultPlan plan;
  plan.latency_min = microseconds(rng.below(200));
  plan.latency_mean = plan.latency_min + microseconds(rng.below(rng.chance(0.2) ? 50'000 : 500));
  if (rng.chance(0.5)) plan.partial_read = rng.chance(0.3) ? 0.9 : 0.2;
  if (rng.chance(0.5)) plan.partial_write = rng.chance(0.3) ? 0.9 : 0.2;
  if (rng.chance(0.4)) plan.small_segments = 0.5;
  if (rng.chance(0.3)) plan.trickle = 0.1;
  if (rng.chance(0.4)) {
    plan.clog = 0.02;
    plan.clog_time = microseconds(rng.between(1'000, 2'000'000));
  }
  if (rng.chance(0.6)) {
    plan.window_min = rng.chance(0.3) ? 16 : 4096;
    plan.window_max = plan.window_min * 16;
  }
  return plan;
}

FaultPlan FaultPlan::harmful(Rng& rng) noexcept {
  FaultPlan plan = harmless(rng);
  if (rng.chance(0.6)) plan.reset = 0.15;
  if (rng.chance(0.3)) plan.vanish = 0.08;
  plan.fault_within = rng.chance(0.5) ? 1024 : 64 * 1024;
  if (rng.chance(0.3)) plan.refuse = 0.15;
  if (rng.chance(0.2)) plan.unreachable = 0.1;
  if (rng.chance(0.2)) plan.hang = 0.08;
  if (rng.chance(0.3)) plan.accept_failure = 0.2;
  if (rng.chance(0.3)) plan.open_failure = 0.1;
  return plan;
}

}  // namespace weir::sim
