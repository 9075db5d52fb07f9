// RoundRobin: how often and in which order candidates are chosen.
#include "core/proxy/upstream/balance/round_robin.hpp"

#include <string>

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

std::vector<Candidate> with_weights(std::initializer_list<std::uint32_t> weights) {
  std::vector<Candidate> candidates;
  for (const std::uint32_t weight : weights) candidates.push_back({weight, nullptr});
  return candidates;
}

// So many choices as letters: "a" is the first candidate, "-" none.
std::string choices(Balancer& balancer, const std::vector<Candidate>& candidates, int count,
                    const TriedSet& tried = {}) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const std::size_t chosen = balancer.choose(candidates, tried);
    text += chosen == Balancer::none ? '-' : static_cast<char>('a' + chosen);
  }
  return text;
}

TEST_CASE("equal weights are chosen in turn", "[balance]") {
  const auto candidates = with_weights({1, 1, 1});
  RoundRobin balancer(candidates.size());
  CHECK(choices(balancer, candidates, 7) == "abcabca");
}

TEST_CASE("a heavy candidate is chosen as often as its weight says, spread among the others", "[balance]") {
  const auto candidates = with_weights({5, 1, 1});
  RoundRobin balancer(candidates.size());
  CHECK(choices(balancer, candidates, 14) == "aabacaa" "aabacaa");
  const auto two = with_weights({2, 1});
  RoundRobin other(two.size());
  CHECK(choices(other, two, 6) == "abaaba");
}

TEST_CASE("the largest weights do not overflow", "[balance]") {
  const auto candidates = with_weights({UINT32_MAX, UINT32_MAX, UINT32_MAX});
  RoundRobin balancer(candidates.size());
  CHECK(choices(balancer, candidates, 6) == "abcabc");
}

TEST_CASE("a candidate without weight is never chosen", "[balance]") {
  const auto candidates = with_weights({0, 1, 0});
  RoundRobin balancer(candidates.size());
  CHECK(choices(balancer, candidates, 3) == "bbb");
  const auto nobody = with_weights({0, 0});
  RoundRobin other(nobody.size());
  CHECK(choices(other, nobody, 2) == "--");
}

TEST_CASE("without candidates there is no choice", "[balance]") {
  RoundRobin balancer(0);
  CHECK(choices(balancer, {}, 1) == "-");
}

TEST_CASE("what was tried is not chosen again, until all were", "[balance]") {
  const auto candidates = with_weights({1, 3, 1});
  RoundRobin balancer(candidates.size());
  TriedSet tried;
  tried.add(1);
  CHECK(choices(balancer, candidates, 4, tried) == "acac");
  tried.add(0);
  CHECK(choices(balancer, candidates, 2, tried) == "cc");
  tried.add(2);
  CHECK(choices(balancer, candidates, 1, tried) == "-");
}

TEST_CASE("a candidate that is down is passed over and comes back", "[balance]") {
  EndpointState first, second;
  const std::vector<Candidate> candidates{{1, &first}, {1, &second}};
  RoundRobin balancer(candidates.size());
  CHECK(choices(balancer, candidates, 4) == "abab");
  first.record(false, 1, 1);
  CHECK(choices(balancer, candidates, 3) == "bbb");
  second.record(false, 1, 1);
  CHECK(choices(balancer, candidates, 1) == "-");
  first.record(true, 1, 1);
  CHECK(choices(balancer, candidates, 2) == "aa");
}

// Candidates that were passed over have gained nothing meanwhile: there is no burst when they come back.
TEST_CASE("whoever was down does not get what it missed", "[balance]") {
  EndpointState first;
  const std::vector<Candidate> candidates{{1, &first}, {1, nullptr}};
  RoundRobin balancer(candidates.size());
  first.record(false, 1, 1);
  CHECK(choices(balancer, candidates, 10) == "bbbbbbbbbb");
  first.record(true, 1, 1);
  CHECK(choices(balancer, candidates, 6) == "ababab");
}

TEST_CASE("every one of many candidates can be chosen and tried", "[balance]") {
  for (const std::size_t count : {64, 65, 66, 128, 200}) {
    const std::vector<Candidate> candidates(count);
    RoundRobin balancer(count);
    TriedSet tried;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t chosen = balancer.choose(candidates, tried);
      REQUIRE(chosen != Balancer::none);
      REQUIRE_FALSE(tried.contains(chosen));
      tried.add(chosen);
    }
    CHECK(balancer.choose(candidates, tried) == Balancer::none);
  }
}

}  // namespace
}  // namespace weir::proxy::test
