#include "core/proxy/health/scheduler.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/reactor/awaitables.hpp"

namespace weir::proxy {
namespace {

// Each endpoint is checked within this time from the start; from then on its checks are spread over their interval.
constexpr Duration first_look = 1s;

std::string_view name_of(HealthCheckSpec::Kind kind) noexcept {
  switch (kind) {
    case HealthCheckSpec::Kind::tcp: return "tcp";
    case HealthCheckSpec::Kind::http: return "http";
    case HealthCheckSpec::Kind::script: return "script";
  }
  return "";
}

}  // namespace

struct HealthScheduler::Target {
  std::shared_ptr<const Snapshot> snapshot;  // of what follows
  const CompiledUpstream* upstream;
  const CompiledEndpoint* endpoint;
  CancelSource ending{};
  bool unknown = false;  // the last check could not be made

  const HealthCheckSpec& rules() const noexcept { return *upstream->spec->health_check; }
  EndpointState& state() const noexcept { return *endpoint->state; }
};

HealthScheduler::HealthScheduler(Reactor& reactor, std::shared_ptr<const Snapshot> snapshot,
                                 const HealthOptions& options)
    : reactor_(reactor), options_(options), rng_(options.seed), scripts_(snapshot->spec->runtime.max_scripts) {
  adopt(std::move(snapshot));
}

HealthScheduler::~HealthScheduler() = default;

void HealthScheduler::add(const CompiledUpstream& upstream, const CompiledEndpoint& endpoint) {
  Target& target = *targets_.emplace_back(std::make_unique<Target>(snapshot_, &upstream, &endpoint));
  if (state_ == State::running) checking_.spawn(watch(target));
}

// An endpoint that an upstream lists twice has one state and is checked once.
void HealthScheduler::adopt(std::shared_ptr<const Snapshot> snapshot) {
  if (state_ == State::stopped) return;
  snapshot_ = std::move(snapshot);
  std::unordered_map<const EndpointState*, Target*> had;
  for (const auto& target : targets_)
    if (!target->ending.cancelled()) had.emplace(&target->state(), target.get());
  std::unordered_set<const EndpointState*> known;
  for (const CompiledUpstream& upstream : snapshot_->upstreams) {
    for (const CompiledEndpoint& endpoint : upstream.endpoints) {
      if (!endpoint.state || !known.insert(endpoint.state.get()).second) continue;
      const auto found = had.find(endpoint.state.get());
      if (found == had.end() || found->second->rules() != *upstream.spec->health_check) {
        add(upstream, endpoint);
        continue;
      }
      Target& target = *found->second;
      target.snapshot = snapshot_;
      target.upstream = &upstream;
      target.endpoint = &endpoint;
      had.erase(found);
    }
  }
  for (const auto& [state, target] : had) {
    target->ending.cancel();
    if (state_ != State::running) forget(*target);
  }
}

Task<void> HealthScheduler::run() {
  if (state_ == State::made) state_ = State::running;
  for (std::size_t i = 0; i < targets_.size() && state_ == State::running; ++i) checking_.spawn(watch(*targets_[i]));
  co_await stopped_.wait();
  co_await checking_.join();
}

void HealthScheduler::stop() noexcept {
  state_ = State::stopped;
  for (const auto& target : targets_) target->ending.cancel();
  stopped_.set();
}

// Its last check has ended.
void HealthScheduler::forget(Target& target) noexcept {
  std::erase_if(targets_, [&](const auto& one) { return one.get() == &target; });
}

// The checks of an endpoint lie at one random phase of its interval; the first look comes before that.
Task<void> HealthScheduler::watch(Target& target) {
  const Duration interval = target.rules().interval;
  const Duration phase = random_below(interval);
  const Duration look = std::min(phase, random_below(first_look));
  TimePoint due = reactor_.now() + look;
  TimePoint next = reactor_.now() + (look < phase ? phase : phase + interval);
  for (;;) {
    const bool slept = co_await SleepUntil(reactor_, due, target.ending.token());
    if (!slept) break;
    auto checking = check(target);
    const Probe probe = co_await checking;
    if (target.ending.cancelled()) break;
    record(target, probe);
    due = std::max(next, reactor_.now());
    next = due + interval;
  }
  if (state_ == State::running) forget(target);
}

Duration HealthScheduler::random_below(Duration bound) noexcept {
  return Duration{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(bound.count())))};
}

// A script waits for its turn first; its timeout begins when it does.
Task<Probe> HealthScheduler::check(Target& target) {
  const CancelToken token = target.ending.token();
  const auto snapshot = target.snapshot;  // kept until the check has ended
  const ProbeTarget what{*target.upstream->spec, *target.endpoint->spec, target.endpoint->addresses,
                         target.state().is_up(), snapshot->spec->limits};
  Probe probe;
  switch (target.rules().kind) {
    case HealthCheckSpec::Kind::tcp: {
      auto probing = probe_tcp(reactor_, what, token);
      probe = co_await probing;
      break;
    }
    case HealthCheckSpec::Kind::http: {
      auto probing = probe_http(reactor_, *options_.protocol, what, token);
      probe = co_await probing;
      break;
    }
    case HealthCheckSpec::Kind::script: {
      auto turn = scripts_.acquire(token);
      const bool its_turn = co_await turn;
      if (!its_turn) break;
      auto probing = probe_script(reactor_, what, token);
      probe = co_await probing;
      scripts_.release();
      break;
    }
  }
  co_return probe;
}

void HealthScheduler::record(Target& target, const Probe& probe) {
  if (probe.verdict == Probe::Verdict::not_made) {
    if (!target.unknown) report(target, HealthEvent::What::unknown, probe);
    target.unknown = true;
    return;
  }
  target.unknown = false;
  const HealthCheckSpec& rules = target.rules();
  switch (target.state().record(probe.verdict == Probe::Verdict::passed, rules.rise, rules.fall)) {
    case EndpointState::Change::none: break;
    case EndpointState::Change::up: report(target, HealthEvent::What::up, probe); break;
    case EndpointState::Change::down: report(target, HealthEvent::What::down, probe); break;
  }
}

void HealthScheduler::report(const Target& target, HealthEvent::What what, const Probe& probe) const {
  if (!options_.report) return;
  HealthEvent event;
  event.what = what;
  event.upstream = target.upstream->spec->name;
  event.endpoint = target.endpoint->spec->text;
  event.check = name_of(target.rules().kind);
  event.reason = probe.reason;
  event.output = probe.output;
  for (const auto& other : targets_) {
    if (other->upstream != target.upstream) continue;
    ++event.all;
    event.up += other->state().is_up() ? 1 : 0;
  }
  options_.report(options_.context, event);
}

}  // namespace weir::proxy
