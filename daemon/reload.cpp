#include "daemon/reload.hpp"

#include <fmt/format.h>

#include "daemon/configuration.hpp"
#include "daemon/off_thread.hpp"

namespace weir::daemon {

struct Reload::Loaded {
  Configuration configuration;
  Resolved names;
};

struct Reload::Next {
  std::shared_ptr<const proxy::Spec> spec;
  Resolved names;
  ListeningSockets sockets;
  std::shared_ptr<const proxy::Snapshot> snapshot;
  std::unique_ptr<LogFile> log;  // another access log
};

Reload::Loaded Reload::load(std::string file, std::string backend) {
  Loaded loaded;
  loaded.configuration = load_configuration(file, {run_target(backend)}, true);
  if (loaded.configuration) loaded.names = resolve_endpoints(*loaded.configuration.spec);
  return loaded;
}

Task<ReloadVerdict> Reload::run() {
  const TimePoint began = parts_.reactor.now();
  ReloadVerdict verdict;
  OffThread<Loaded> loading(parts_.reactor,
                            [file = parts_.file, backend = parts_.overrides.backend] { return load(file, backend); });
  Loaded loaded = co_await loading;
  if (refuse(verdict, loaded)) co_return verdict;
  Next next;
  next.spec = std::move(loaded.configuration.spec);
  next.names = std::move(loaded.names);
  if (!plan(verdict, *next.spec)) co_return verdict;
  if (!open(verdict, next)) co_return verdict;
  auto preparing = prepare_workers(verdict, next);
  const bool prepared = co_await preparing;
  if (prepared) {
    auto changing = change_over(next);
    co_await changing;
  }
  verdict.took = parts_.reactor.now() - began;
  co_return verdict;
}

// True: there is nothing to take up.
bool Reload::refuse(ReloadVerdict& verdict, const Loaded& loaded) const {
  for (const config::Diagnostic& diagnostic : loaded.configuration.diagnostics)
    verdict.problems.push_back(config::render(diagnostic));
  verdict.outcome = ReloadVerdict::Outcome::refused;
  if (!loaded.configuration) return true;
  const auto fixed = needs_restart(*parts_.serving.spec, *loaded.configuration.spec, parts_.overrides);
  for (const std::string& setting : fixed) verdict.problems.push_back(setting + ": that takes a restart");
  if (!fixed.empty()) return true;
  verdict.outcome = ReloadVerdict::Outcome::failed;
  for (const std::string& failure : loaded.names.failures) verdict.problems.push_back(failure);
  if (!loaded.names.failures.empty()) return true;
  verdict.outcome = ReloadVerdict::Outcome::taken_up;
  return false;
}

// False: nothing is to be taken up.
bool Reload::plan(ReloadVerdict& verdict, const proxy::Spec& next) const {
  verdict.plan = plan_of(*parts_.serving.snapshot, next);
  if (order_.max_cut && verdict.plan->cut() > *order_.max_cut) {
    verdict.outcome = ReloadVerdict::Outcome::cuts;
    verdict.problems.push_back(fmt::format("{} tunnels would be cut, {} are allowed", verdict.plan->cut(), *order_.max_cut));
    return false;
  }
  if (order_.plan_only) verdict.outcome = ReloadVerdict::Outcome::planned;
  return !order_.plan_only;
}

// Opens what is new. False: something could not be opened, and what was is closed with `next`.
bool Reload::open(ReloadVerdict& verdict, Next& next) {
  std::vector<std::string> failures = next.sockets.open_after(parts_.serving.sockets, next.spec, parts_.serving.workers);
  if (parts_.access_log != nullptr && next.spec->access_log.path != parts_.serving.spec->access_log.path) {
    next.log = std::make_unique<LogFile>(next.spec->access_log.path);
    if (!next.log->open()) failures.push_back(next.log->problem());
  }
  if (failures.empty()) {
    next.snapshot = parts_.serving.compile(next.spec, next.names, next.sockets.count());
    return true;
  }
  verdict.outcome = ReloadVerdict::Outcome::failed;
  for (std::string& failure : failures) verdict.problems.push_back(std::move(failure));
  return false;
}

Task<bool> Reload::prepare_workers(ReloadVerdict& verdict, Next& next) {
  for (std::uint32_t number = 0; number < parts_.workers.size(); ++number)
    parts_.workers[number]->prepare({next.snapshot, next.sockets.take(number, *next.snapshot)});
  auto waiting = wait_while(Worker::ReloadStep::preparing);
  co_await waiting;
  bool all = true;
  for (const auto& worker : parts_.workers) {
    if (worker->reload_step() == Worker::ReloadStep::prepared) continue;
    if (all) verdict.problems.push_back(fmt::format("a worker cannot take it up: {}", describe(worker->refusal())));
    all = false;
  }
  if (all) co_return true;
  verdict.outcome = ReloadVerdict::Outcome::failed;
  for (const auto& worker : parts_.workers)
    if (worker->reload_step() == Worker::ReloadStep::prepared) worker->abandon();
  auto abandoning = wait_while(Worker::ReloadStep::committing);
  co_await abandoning;
  next.sockets.abandon(parts_.serving.sockets);
  co_return false;
}

// The worker that accepts for others, the first one, comes last: those know a new listener before they get its clients.
Task<void> Reload::change_over(Next& next) {
  parts_.shared.listening.store(next.sockets.count(), std::memory_order_relaxed);
  for (std::size_t number = parts_.workers.size(); number-- > 1;) parts_.workers[number]->commit();
  auto others = wait_while(Worker::ReloadStep::committing);
  co_await others;
  parts_.workers[0]->commit();
  auto first = wait_while(Worker::ReloadStep::committing);
  co_await first;
  next.sockets.succeed(parts_.serving.sockets);
  parts_.serving.take_up(next.spec, next.snapshot);
  if (parts_.checks != nullptr) parts_.checks->adopt(next.snapshot);
  if (!next.log) co_return;
  parts_.access_file.replace_by(std::move(next.log));
  parts_.access_log->reopen();
}

Task<void> Reload::wait_while(Worker::ReloadStep step) {
  for (;;) {
    parts_.worker_changed.reset();
    bool any = false;
    for (const auto& worker : parts_.workers) any = any || (worker->reload_step() == step && !worker->ended());
    if (!any) co_return;
    auto wait = parts_.worker_changed.wait();
    co_await wait;
  }
}

}  // namespace weir::daemon
