// The control thread while weir runs: what comes in from signals, workers and the manager, and how it all ends.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "core/platform/orphans.hpp"
#include "core/reactor/awaitables.hpp"
#include "core/reactor/open.hpp"
#include "daemon/app.hpp"
#include "daemon/off_thread.hpp"

namespace weir::daemon {
namespace {

using namespace std::chrono_literals;

// How long a worker may take to cut its connections before the process ends without it.
constexpr Duration forced_end = 5s;
// Connections that have begun complete within it, then listeners are closed.
constexpr Duration last_handshakes = 20ms;
// At the configuration file, with runtime.watch.
constexpr Duration time_between_looks = 1s;

}  // namespace

Task<void> App::control() {
  lifecycle_->starting();
  Handle signals;
  OpenSpec pipe;
  pipe.what = OpenSpec::What::adopt;
  pipe.native = signals_.take_descriptor();
  if (const Error error = open_attached(reactor_->backend(), signals, pipe)) {
    log_error("cannot read signals: {}", describe(error));
    failed_ = true;
    enter(RunEvent::stop_now);
  } else {
    tasks_.spawn(watch_signals(signals));
    start_checks();
    start_control();
    tasks_.spawn(keep_house(tasks_.token()));
    if (file_watch_) tasks_.spawn(watch_file(tasks_.token()));
  }
  while (true) {
    changed_.reset();
    take_requests();
    if (all_workers_ended()) break;
    auto wait = changed_.wait();
    co_await wait;
  }
  reopening_.give_up();
  if (control_) control_->end();
  tasks_.cancel();
  last_resort_.app = this;
  reactor_->timers().arm(last_resort_, reactor_->now() + forced_end);
  auto join = tasks_.join();
  co_await join;
  reactor_->timers().disarm(last_resort_);
  if (signals.is_open()) reactor_->backend().close(signals);
  lifecycle_->ended();
}

void App::start_checks() {
  proxy::HealthOptions options;
  std::random_device entropy;
  options.seed = (std::uint64_t{entropy()} << 32) | entropy();
  options.report = [](void*, const proxy::HealthEvent& event) noexcept {
    log(event.what == proxy::HealthEvent::What::up ? Level::info : Level::warn, "{}", text_of(event));
  };
  check_protocol_ = std::make_unique<proxy::h1::UpstreamSide>(*reactor_);
  options.protocol = check_protocol_.get();
  checks_ = std::make_unique<proxy::HealthScheduler>(*reactor_, serving_.snapshot, options);
  tasks_.spawn(checks_->run());
}

Task<void> App::watch_signals(Handle& signals) {
  // The token ends a read that is in flight: a request, the result comes by itself.
  struct Interrupt : CancelCallback {
    Reactor* reactor = nullptr;
    Op* op = nullptr;
    Interrupt() noexcept
        : CancelCallback([](CancelCallback& callback) noexcept {
            auto& interrupt = static_cast<Interrupt&>(callback);
            interrupt.reactor->cancel(*interrupt.op);
          }) {}
  };
  const CancelToken token = tasks_.token();
  char bytes[16];
  while (!token.cancelled()) {
    Read read(*reactor_, signals, bytes, sizeof bytes);
    Interrupt interrupt;
    interrupt.reactor = reactor_.get();
    interrupt.op = &read.op();
    token.subscribe(interrupt);
    const Result<std::size_t> got = co_await read;
    if (!got || *got == 0) break;
    for (std::size_t i = 0; i < *got; ++i) on_signal(static_cast<platform::Signal>(bytes[i]));
  }
}

void App::on_signal(platform::Signal signal) {
  switch (signal) {
    case platform::Signal::terminate:
    case platform::Signal::interrupt: return act(Request::stop);
    case platform::Signal::quit: return act(Request::stop_now);
    case platform::Signal::child_ended: return platform::reap_orphans();
    // Without a file it is the end of the terminal that weir was started from.
    case platform::Signal::hang_up: return act(file_.empty() ? Request::stop : Request::reload);
    case platform::Signal::reopen_logs: return act(Request::reopen_logs);
    case platform::Signal::upgrade: return act(Request::upgrade);
  }
}

// From any thread: a manager's.
void App::request(Request request) noexcept {
  requested_.fetch_or(1u << static_cast<unsigned>(request), std::memory_order_acq_rel);
  // Requests that arrive before the reactor runs are taken when it starts.
  Reactor* const reactor = listening_.load(std::memory_order_acquire);
  if (reactor != nullptr && !note_.queued.exchange(true, std::memory_order_acq_rel)) reactor->post(note_);
}

void App::take_requests() {
  const std::uint32_t asked = requested_.exchange(0, std::memory_order_acq_rel);
  for (unsigned i = 0; i <= static_cast<unsigned>(Request::upgrade); ++i)
    if ((asked >> i & 1) != 0) act(static_cast<Request>(i));
}

// A request without a waiting client: its verdict goes to the log.
void App::act(Request request) {
  if (request == Request::reload) {
    if (reload_waits_) return;  // the one that follows reads the file as it is then
    reload_waits_ = true;
  }
  tasks_.spawn(act_and_log(request));
}

Task<void> App::act_and_log(Request request) {
  auto performing = perform(request, {});
  const Verdict verdict = co_await performing;
  const bool logged = request == Request::reload || request == Request::upgrade;  // by themselves
  if (logged || verdict.lines.empty()) co_return;
  if (!verdict.ok) {
    log_warn("{}", verdict.lines.front());
  } else if (request == Request::reopen_logs && !writes_log_file()) {
    log_info("{}", verdict.lines.front());
  }
}

void App::on_backend_failure() noexcept {
  failed_ = true;
  log_error("the {} backend of the control thread failed: {}: all workers are stopped", backend_name_,
            describe(reactor_->backend().failure()));
  enter(RunEvent::stop_now);
}

// ---- states ---------------------------------------------------------------------------------------------------------

void App::enter(RunEvent event) noexcept {
  const auto next = after(state_, event);
  if (!next) return;
  const bool accepts = state_ < RunState::finishing;
  state_ = *next;
  switch (state_) {
    case RunState::starting: break;
    case RunState::serving:
      announce();
      lifecycle_->keep(serving_.sockets.all());
      lifecycle_->status(status_line());
      lifecycle_->ready();
      return;
    case RunState::finishing:
      log_info("draining: nothing more is accepted, requests in flight have as long as they take");
      break;
    case RunState::draining:
      log_info("stopping: requests in flight have {} ms, a second signal stops at once", shutdown_ms());
      break;
    case RunState::stopping: log_info("stopping now"); break;
  }
  if (!is_succeeded_) lifecycle_->stopping();
  if (accepts) shut_doors();
  if (state_ == RunState::stopping) {
    for (const auto& worker : workers_) worker->stop();
    tasks_.spawn(force_end(tasks_.token()));
  } else {
    tasks_.spawn(drain_workers(tasks_.token()));
  }
}

std::int64_t App::shutdown_ms() const noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(spec().runtime.shutdown.timeout).count();
}

// The socket files go at once; a moment later the workers are told. Sockets that live on, with a successor or in the
// manager's store, must not be changed: their clients wait for who comes next.
void App::shut_doors() {
  if (checks_) checks_->stop();  // an endpoint stays what it was found to be
  if (is_succeeded_ || lifecycle_->keeps_sockets()) return;
  serving_.sockets.remove_socket_files();
  for (const auto& worker : workers_) worker->refuse_newcomers();
}

Task<void> App::drain_workers(CancelToken token) {
  SleepUntil sleep(*reactor_, reactor_->now() + last_handshakes, token);
  const bool slept = co_await sleep;
  static_cast<void>(slept);
  for (const auto& worker : workers_) state_ == RunState::finishing ? worker->finish() : worker->drain();
}

// A worker that hangs must not keep the process alive: its service manager waits for it to end.
Task<void> App::force_end(CancelToken token) {
  SleepUntil sleep(*reactor_, reactor_->now() + forced_end, token);
  const bool slept = co_await sleep;
  if (!slept) co_return;
  log_error("a worker does not stop: exiting without it");
  std::_Exit(exit_failed_start);
}

// The workers have ended; a task of the control thread has not: a reload whose file or resolver does not answer.
void App::leave() noexcept {
  log_warn("a request to weir itself does not end: exiting without it");
  within_last_lines([this] {
    if (access_log_) access_log_->flush();
    log_->flush();
  });
  std::_Exit(failed_ ? exit_failed_start : exit_ok);
}

// Also announces once all serve, and stops all when one has failed.
bool App::all_workers_ended() {
  std::size_t serving = 0;
  std::size_t ended = 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const Worker& worker = *workers_[i];
    serving += worker.serving() ? 1 : 0;
    if (!worker.ended()) continue;
    ++ended;
    if (state_ == RunState::stopping && failed_) continue;
    if (worker.failure().empty() && state_ >= RunState::finishing) continue;
    failed_ = true;
    const std::string text = fmt::format("worker {} failed: {}: all workers are stopped", i,
                                         worker.failure().empty() ? "it ended unexpectedly" : worker.failure());
    log_error("{}", text);
    lifecycle_->note(Notice::worker_failed, text);
    enter(RunEvent::stop_now);
  }
  if (serving == workers_.size()) enter(RunEvent::all_serve);
  return ended == workers_.size();
}

// ---- now and then ---------------------------------------------------------------------------------------------------

// The manager hears that every reactor makes progress, what is going on, and that an end takes a while.
Task<void> App::keep_house(CancelToken token) {
  const Duration heartbeat = lifecycle_->heartbeat();
  for (;;) {
    const Duration usual = state_ < RunState::finishing ? 5s : 1s;
    const Duration pause = heartbeat > Duration{} && heartbeat < usual ? heartbeat : usual;
    SleepUntil sleep(*reactor_, reactor_->now() + pause, token);
    const bool slept = co_await sleep;
    if (!slept) co_return;
    serving_.let_go_of_unused();
    if (state_ >= RunState::finishing && !is_succeeded_) lifecycle_->extend(10s);
    lifecycle_->status(status_line());
    if (heartbeat > Duration{} && workers_make_progress()) lifecycle_->alive();
  }
}

// Until a reload has switched it off. A file that is wrong is refused once, not at every look.
Task<void> App::watch_file(CancelToken token) {
  while (spec().runtime.watch) {
    SleepUntil sleep(*reactor_, reactor_->now() + time_between_looks, token);
    const bool slept = co_await sleep;
    if (!slept) co_return;
    OffThread<FileStamp> looking(*reactor_, [file = file_] { return stamp_of(file); });
    const FileStamp now = co_await looking;
    if (!file_watch_->has_settled(now) || state_ != RunState::serving) continue;
    log_info("{} has changed: reloading", file_);
    act(Request::reload);
  }
  file_watch_.reset();
}

// Each worker has answered what it was asked the last time; all are asked again.
bool App::workers_make_progress() {
  bool all = true;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = *workers_[i];
    if (worker.beat() || worker.ended()) continue;
    if (std::exchange(stuck_, true) == false)
      log_error("worker {} does not answer: the watchdog of {} is not fed", i, lifecycle_->name());
    all = false;
  }
  if (all) stuck_ = false;
  return all;
}

}  // namespace weir::daemon
