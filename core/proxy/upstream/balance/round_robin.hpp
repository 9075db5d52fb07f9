#pragma once
// RoundRobin: smooth weighted round robin, as in nginx. In every sum of the weights each candidate is chosen as often
// as its weight says, and the choices of a heavy one are spread among the others: weights 2 and 1 give a b a, not a a
// b.

#include <vector>

#include "core/proxy/upstream/balance/balancer.hpp"

namespace weir::proxy {

class RoundRobin final : public Balancer {
 public:
  explicit RoundRobin(std::size_t candidates) : credit_(candidates) {}

  std::size_t choose(std::span<const Candidate> candidates, const TriedSet& tried) noexcept override;

 private:
  std::vector<std::int64_t> credit_;  // by candidate: what it has gained and not spent yet
};

}  // namespace weir::proxy
