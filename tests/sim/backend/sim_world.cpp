#include "tests/sim/backend/sim_world.hpp"

#include <algorithm>
#include <cstdio>

#include "core/base/assert.hpp"
#include "core/reactor/reactor.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_children.hpp"
#include "tests/sim/backend/sim_network.hpp"

namespace weir::sim {
namespace {

// Rounds in which the reactors are busy and no byte moves: more than any honest burst of work, few enough to end a
// livelock soon. A reader that takes one byte at a time from a long body is busy for longer, and moves a byte a round.
constexpr int max_idle_rounds = 100'000;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  for (int byte = 0; byte < 8; ++byte) {
    hash ^= (value >> (8 * byte)) & 0xff;
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace

SimWorld::SimWorld(std::uint64_t seed)
    : seed_(seed),
      rng_(seed),
      network_(std::make_unique<SimNetwork>(*this)),
      children_(std::make_unique<SimChildren>(*this)) {}

SimWorld::~SimWorld() { WEIR_VERIFY(backends_.empty()); }

std::unique_ptr<SimBackend> SimWorld::make_backend(const SimProfile& profile) {
  return std::make_unique<SimBackend>(*this, profile);
}

void SimWorld::join(SimBackend& backend) { backends_.push_back(&backend); }
void SimWorld::leave(SimBackend& backend) noexcept { std::erase(backends_, &backend); }

// --- chance ---

bool SimWorld::chance(std::string_view name, double p) {
  if (!chances_on_) return false;
  auto found = switches_.find(name);
  if (found == switches_.end()) {
    // By name and seed, not by the order of first use.
    std::uint64_t hash = mix(0xcbf29ce484222325, seed_);
    for (const char c : name) hash = mix(hash, static_cast<unsigned char>(c));
    Rng decide(hash);
    found = switches_.emplace(name, decide.chance(0.5)).first;
  }
  if (!found->second || !rng_.chance(p)) return false;
  ++taken_[found->first];
  return true;
}

// --- faults ---

void SimWorld::set_faults(const FaultPlan& plan) { default_faults_ = plan; }
void SimWorld::set_faults(std::uint32_t from, std::uint32_t to, const FaultPlan& plan) {
  link_faults_[{from, to}] = plan;
}
const FaultPlan& SimWorld::faults(std::uint32_t from, std::uint32_t to) const noexcept {
  const auto found = link_faults_.find({from, to});
  return found == link_faults_.end() ? default_faults_ : found->second;
}

// --- time ---

void SimWorld::at(TimePoint time, std::function<void()> what) {
  events_.emplace(std::pair{std::max(time, now_).ns, event_order_++}, std::move(what));
}

TimePoint SimWorld::next_event() const noexcept {
  return events_.empty() ? TimePoint::max() : TimePoint{events_.begin()->first.first};
}

void SimWorld::advance_to(TimePoint time) {
  while (!events_.empty() && events_.begin()->first.first <= time.ns) {
    auto event = events_.extract(events_.begin());
    now_ = std::max(now_, TimePoint{event.key().first});
    ++events_run_;
    event.mapped()();
  }
  now_ = std::max(now_, time);
}

// --- driving ---

void SimWorld::drive(Reactor& reactor) { driven_.push_back(&reactor); }
void SimWorld::release(Reactor& reactor) { std::erase(driven_, &reactor); }

void SimWorld::turn_all(TimePoint limit) {
  std::vector<Reactor*> order = driven_;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng_.below(i)]);
  for (Reactor* reactor : order) reactor->turn(limit);
}

bool SimWorld::anything_to_do() const noexcept {
  return std::any_of(driven_.begin(), driven_.end(), [this](Reactor* reactor) {
    const auto& backend = static_cast<SimBackend&>(reactor->backend());
    return backend.has_work() || backend.sleeping_until_ <= now_;
  });
}

TimePoint SimWorld::earliest_sleep() const noexcept {
  TimePoint earliest = TimePoint::max();
  for (Reactor* reactor : driven_) {
    earliest = std::min(earliest, static_cast<SimBackend&>(reactor->backend()).sleeping_until_);
  }
  return earliest;
}

bool SimWorld::run_until(const std::function<bool()>& done, Duration span) {
  WEIR_VERIFY(!driving_);
  driving_ = true;
  const TimePoint limit = now_ + span;
  int rounds = 0;
  int quiet_rounds = 0;
  bool reached = false;
  for (;;) {
    const std::uint64_t before = activity_;
    const std::uint64_t moved_before = moved_;
    const TimePoint sleep_before = earliest_sleep();
    turn_all(limit);
    reached = done();
    if (reached || now_ >= limit) break;
    // A coroutine of one reactor may go on in another one's turn, since a thread has one run queue. What it did there
    // to its own reactor shows only in that one's next turn: all is at rest when two rounds have changed nothing.
    const bool changed = activity_ != before || anything_to_do() || earliest_sleep() != sleep_before;
    quiet_rounds = changed ? 0 : quiet_rounds + 1;
    if (quiet_rounds < 2) {
      if (!changed) continue;
      rounds = moved_ == moved_before ? rounds + 1 : 0;
      if (rounds > max_idle_rounds) {
        std::fprintf(stderr, "seed %llu: the reactors never come to rest\n", static_cast<unsigned long long>(seed_));
        WEIR_VERIFY(rounds <= max_idle_rounds);
      }
      if (rng_.chance(0.5)) {  // work takes time
        advance_to(std::min(limit, now_ + Duration{static_cast<std::int64_t>(rng_.below(5'000))}));
      }
      continue;
    }
    quiet_rounds = 0;
    const TimePoint next = std::min(next_event(), earliest_sleep());
    if (next >= limit) {
      advance_to(limit);
      turn_all(limit);
      reached = done();
      break;
    }
    rounds = 0;
    advance_to(next);
  }
  driving_ = false;
  return reached;
}

bool SimWorld::run_for(Duration span) {
  return run_until([] { return false; }, span);
}

// --- accounting ---

std::size_t SimWorld::open_handles() const noexcept { return network_->objects(); }

std::size_t SimWorld::ops_in_flight() const noexcept {
  std::size_t all = 0;
  for (const SimBackend* backend : backends_) all += backend->ops_in_flight();
  return all;
}

void SimWorld::trace(TraceKind kind, std::uint32_t backend, std::uint64_t a, std::uint64_t b) noexcept {
  trace_ = mix(trace_, static_cast<std::uint64_t>(kind) << 32 | backend);
  trace_ = mix(trace_, static_cast<std::uint64_t>(now_.ns));
  trace_ = mix(trace_, a);
  trace_ = mix(trace_, b);
}

}  // namespace weir::sim
