#include "core/proxy/health/scheduler.hpp"

#include <algorithm>
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
  const CompiledUpstream* upstream;
  const CompiledEndpoint* endpoint;
  bool unknown = false;  // the last check could not be made

  const HealthCheckSpec& rules() const noexcept { return *upstream->spec->health_check; }
  EndpointState& state() const noexcept { return *endpoint->state; }
};

// An endpoint that an upstream lists twice has one state and is checked once.
HealthScheduler::HealthScheduler(Reactor& reactor, std::shared_ptr<const Snapshot> snapshot,
                                 const HealthOptions& options)
    : reactor_(reactor), snapshot_(std::move(snapshot)), options_(options), rng_(options.seed),
      scripts_(snapshot_->spec->runtime.max_scripts) {
  std::unordered_set<const EndpointState*> known;
  for (const CompiledUpstream& upstream : snapshot_->upstreams) {
    for (const CompiledEndpoint& endpoint : upstream.endpoints) {
      const bool is_new = endpoint.state && known.insert(endpoint.state.get()).second;
      if (is_new) targets_.push_back(std::make_unique<Target>(Target{&upstream, &endpoint}));
    }
  }
}

HealthScheduler::~HealthScheduler() = default;

Task<void> HealthScheduler::run() {
  for (auto& target : targets_) checking_.spawn(watch(*target));
  co_await checking_.join();
}

// The checks of an endpoint lie at one random phase of its interval; the first look comes before that.
Task<void> HealthScheduler::watch(Target& target) {
  const Duration interval = target.rules().interval;
  const Duration phase = random_below(interval);
  const Duration look = std::min(phase, random_below(first_look));
  TimePoint due = reactor_.now() + look;
  TimePoint next = reactor_.now() + (look < phase ? phase : phase + interval);
  for (;;) {
    const bool slept = co_await SleepUntil(reactor_, due, checking_.token());
    if (!slept) break;
    auto checking = check(target);
    const Probe probe = co_await checking;
    if (checking_.token().cancelled()) break;
    record(target, probe);
    due = std::max(next, reactor_.now());
    next = due + interval;
  }
}

Duration HealthScheduler::random_below(Duration bound) noexcept {
  return Duration{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(bound.count())))};
}

// A script waits for its turn first; its timeout begins when it does.
Task<Probe> HealthScheduler::check(Target& target) {
  const CancelToken token = checking_.token();
  const ProbeTarget what{*target.upstream->spec, *target.endpoint->spec, target.endpoint->addresses,
                         target.state().is_up()};
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
