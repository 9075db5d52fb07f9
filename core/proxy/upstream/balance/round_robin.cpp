#include "core/proxy/upstream/balance/round_robin.hpp"

#include "core/base/assert.hpp"

namespace weir::proxy {

// Every candidate in question gains its weight; the one with the most credit is chosen and pays what all have gained.
std::size_t RoundRobin::choose(std::span<const Candidate> candidates, const TriedSet& tried) noexcept {
  WEIR_ASSERT(candidates.size() == credit_.size());
  std::size_t best = none;
  std::int64_t gained = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (candidate.weight == 0 || tried.contains(i) || !candidate.is_up()) continue;
    credit_[i] += candidate.weight;
    gained += candidate.weight;
    if (best == none || credit_[i] > credit_[best]) best = i;
  }
  if (best != none) credit_[best] -= gained;
  return best;
}

}  // namespace weir::proxy
