#pragma once
// App: one run of the proxy, from a specification to the exit code. It opens what is needed, starts the workers, and
// runs the control thread's reactor, where signals arrive. Everything that can fail does so before the first request is
// served. The main thread's; made once.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/coro/event.hpp"
#include "core/platform/signal_source.hpp"
#include "core/proxy/h1/upstream_stream.hpp"
#include "core/proxy/health/scheduler.hpp"
#include "daemon/cli.hpp"
#include "daemon/distributor.hpp"
#include "daemon/log_file.hpp"
#include "daemon/reload.hpp"
#include "daemon/serving.hpp"
#include "daemon/worker.hpp"

namespace weir::daemon {

class App {
 public:
  // `file`: where the specification is from, for reloads; empty: it is from the command line.
  App(std::shared_ptr<const proxy::Spec> spec, const Overrides& overrides, std::string file);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  ~App();

  // Until the end. The exit code; what went wrong has been said on stderr.
  int run();

 private:
  // Notes of workers to the control thread: something changed, look.
  struct Note : Posted {
    App* app = nullptr;
    std::atomic<bool> queued{false};
  };

  bool prepare();
  bool resolve_names();
  bool open_access_log();
  bool make_backends();
  bool open_listeners();
  void start_logs();
  void start_workers();
  void announce();
  std::string addresses_as_json() const;

  void start_checks();
  Task<void> control();
  Task<void> watch_signals(Handle& signals);
  Task<void> force_end(CancelToken token);
  void on_signal(platform::Signal signal);
  void ask_reload();
  Task<void> reload();
  void report(const ReloadVerdict& verdict);
  void begin_drain();
  void on_backend_failure() noexcept;
  Task<void> drain_workers(CancelToken token);
  void begin_stop();
  bool all_workers_ended();
  void close_logs(int code);

  const proxy::Spec& spec() const noexcept { return *serving_.spec; }

  Serving serving_;
  const Overrides overrides_;
  const std::string file_;
  Resolved names_;  // at the start
  std::string backend_name_;

  platform::SignalSource signals_;
  std::vector<std::unique_ptr<Backend>> backends_;  // one for each worker, then the control thread's
  LogFile access_file_;
  LogFile event_file_{"stderr"};
  proxy::SharedCounters shared_;

  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<LogWriter> access_log_;
  Distributor distributor_;
  std::vector<std::unique_ptr<Worker>> workers_;

  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<proxy::h1::UpstreamSide> check_protocol_;
  std::unique_ptr<proxy::HealthScheduler> checks_;
  Note note_;
  Note backend_failed_;
  Event changed_;         // a worker has something to say
  Event worker_changed_;  // the same, for a reload that waits for it
  // A reload that is asked for while one runs follows it, however often it is asked for.
  enum class Reloading : std::uint8_t { no, yes, again } reloading_ = Reloading::no;
  Scope tasks_;
  bool announced_ = false;
  bool draining_ = false;
  bool stopping_ = false;
  bool failed_ = false;
};

}  // namespace weir::daemon
