// What the control socket asks of the daemon: requests and their verdicts, and what its state is.
#include <fmt/format.h>

#include <chrono>
#include <random>

#include "core/platform/program.hpp"
#include "daemon/app.hpp"
#include "daemon/control/api.hpp"
#include "daemon/control/verbs.hpp"
#include "daemon/version.hpp"

namespace weir::daemon {
namespace {

Verdict refusal(std::string why) { return {false, {std::move(why)}, exit_failed_start, {}}; }

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end != 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return lines;
}

// A plan that would cut tunnels has an exit code of its own.
int code_of(const ReloadVerdict& outcome) noexcept {
  switch (outcome.outcome) {
    case ReloadVerdict::Outcome::taken_up: return exit_ok;
    case ReloadVerdict::Outcome::planned: return outcome.plan->cut() == 0 ? exit_ok : exit_would_cut;
    case ReloadVerdict::Outcome::refused: return exit_refused_configuration;
    case ReloadVerdict::Outcome::failed: return exit_failed_start;
    case ReloadVerdict::Outcome::cuts: return exit_would_cut;
  }
  return exit_failed_start;
}

Verdict verdict_of(const ReloadVerdict& outcome, const std::string& file) {
  Verdict verdict;
  verdict.ok = outcome.ok();
  verdict.exit_code = code_of(outcome);
  const bool planned = outcome.outcome == ReloadVerdict::Outcome::planned;
  verdict.lines = {planned        ? fmt::format("taking up {} would do this:", file)
                   : verdict.ok   ? fmt::format("reloaded {}", file)
                                  : fmt::format("{} was not taken up, weir goes on as before", file)};
  for (const std::string& problem : outcome.problems)
    for (const std::string_view line : lines_of(problem)) verdict.lines.emplace_back(line);
  if (!outcome.plan) return verdict;
  verdict.plan = json_of(*outcome.plan);
  if (planned)
    for (std::string& line : lines_of(*outcome.plan)) verdict.lines.push_back(std::move(line));
  return verdict;
}

}  // namespace

const std::string& App::control_wanted() const noexcept {
  return overrides_.control.empty() ? spec().runtime.control : overrides_.control;
}

// A process that cannot be controlled by commands serves all the same.
void App::start_control() {
  since_ = reactor_->backend().wall_time();
  if (!has_control()) return;
  std::random_device entropy;
  Controlled& self = *this;
  control_ = std::make_unique<ControlServer>(*reactor_, self, (std::uint64_t{entropy()} << 32) | entropy());
  if (control_->open(control_wanted())) {
    log_info("control socket {}", control_->address());
    tasks_.spawn(control_->run());
  } else {
    log_warn(
        "no control socket, so weir status, stop and the like do not reach this process: {}; runtime.control names "
        "another place, or off",
        control_->problem());
    control_.reset();
  }
}

Task<Verdict> App::perform(Request request, RequestOptions options) {
  Verdict verdict;
  switch (request) {
    case Request::stop:
      enter(RunEvent::stop);
      verdict.lines = {fmt::format("stopping: requests in flight have {} ms", shutdown_ms())};
      break;
    case Request::stop_now:
      enter(RunEvent::stop_now);
      verdict.lines = {"stopping now"};
      break;
    case Request::drain:
      if (state_ >= RunState::draining) {
        verdict = refusal("it is stopping already");
      } else {
        enter(RunEvent::drain);
        verdict.lines = {"draining: nothing more is accepted, requests in flight have as long as they take"};
      }
      break;
    case Request::reopen_logs: {
      auto reopening = reopen_logs();
      verdict = co_await reopening;
      break;
    }
    case Request::reload: {
      auto reloading = reload(options.reload);
      verdict = co_await reloading;
      break;
    }
    case Request::upgrade: {
      auto upgrading = upgrade();
      verdict = co_await upgrading;
      break;
    }
  }
  co_return verdict;
}

// Reloads run one after the other, each with its own verdict.
Task<Verdict> App::reload(const ReloadOrder& order) {
  if (file_.empty()) co_return refusal("there is no configuration file to reload: weir was started without one");
  const CancelToken token = tasks_.token();
  auto turn = reloading_.acquire(token);
  const bool its_turn = co_await turn;
  reload_waits_ = false;
  if (its_turn && state_ == RunState::serving) {
    if (!order.plan_only) lifecycle_->reloading();
    Reload one({*reactor_, serving_, workers_, worker_changed_, shared_, checks_.get(), access_file_, access_log_.get(),
                overrides_, file_}, order);
    auto running = one.run();
    const ReloadVerdict outcome = co_await running;
    reloading_.release();
    if (!order.plan_only) note_reload(outcome);
    co_return verdict_of(outcome, file_);
  }
  if (its_turn) reloading_.release();
  log_warn("reload refused: weir is {}", text_of(state_));
  co_return refusal(fmt::format("it is {}", text_of(state_)));
}

void App::note_reload(const ReloadVerdict& verdict) {
  const bool ok = verdict.ok();
  for (const std::string& problem : verdict.problems)
    for (const std::string_view line : lines_of(problem)) log(ok ? Level::warn : Level::error, "{}", line);
  LastReload& last = last_reload_.emplace();
  last.at = reactor_->backend().wall_time();
  last.ok = ok;
  ++(ok ? reloads_ : refused_reloads_);
  if (ok) {
    log_info("reloaded {} {}", kv("file", file_), kv("ms", verdict.took.count() / 1000000));
    lifecycle_->keep(serving_.sockets.all());
    if (spec().runtime.watch && !file_watch_) {
      file_watch_.emplace(stamp_of(file_));
      tasks_.spawn(watch_file(tasks_.token()));
    }
  } else {
    for (const std::string& problem : verdict.problems) last.error += (last.error.empty() ? "" : "\n") + problem;
    log_error("reload refused: {} was not taken up, weir goes on as before", file_);
  }
  lifecycle_->note(ok ? Notice::reloaded : Notice::reload_refused, ok ? file_ : last.error);
  lifecycle_->status(status_line());
  lifecycle_->ready();
}

std::string App::status_line() const {
  std::string text = fmt::format("{}: {} listener{}, {} connections", text_of(state_), spec().listeners.size(),
                                 spec().listeners.size() == 1 ? "" : "s", shared_.connections.load(std::memory_order_relaxed));
  if (!last_reload_) return text;
  if (last_reload_->ok) return text + "; reloaded " + time_text(last_reload_->at);
  const std::string_view why(last_reload_->error);
  return text + fmt::format("; reload refused {}: {}", time_text(last_reload_->at), why.substr(0, why.find('\n')));
}

Task<Verdict> App::reopen_logs() {
  Verdict verdict;
  if (!writes_log_file()) {
    verdict.lines = {"no log file to reopen"};
    co_return verdict;
  }
  auto reopening = reopening_.run(*reactor_, *access_log_);
  std::string problem = co_await reopening;
  if (problem.empty()) {
    verdict.lines = {fmt::format("log file {} reopened", access_file_.path())};
  } else {
    verdict = refusal(std::move(problem));
  }
  co_return verdict;
}

Status App::status() {
  Status status;
  status.version = version();
  status.process = platform::process_id();
  status.state = state_;
  status.since = since_;
  status.config = file_;
  for (const proxy::ListenerSpec& listener : spec().listeners) status.listeners.push_back({listener.name, {}});
  for (const ListeningSockets::Bound& bound : serving_.sockets.bound()) {
    status.listeners[bound.listener].addresses.push_back(to_string(bound.address));
  }
  status.workers = serving_.workers;
  status.backend = backend_name_;
  status.connections = shared_.connections.load(std::memory_order_relaxed);
  status.max_connections = serving_.snapshot->max_connections;
  for (const auto& worker : workers_) status.counters += worker->counters();
  status.last_reload = last_reload_;
  status.reloads = reloads_;
  status.refused_reloads = refused_reloads_;
  return status;
}

}  // namespace weir::daemon
