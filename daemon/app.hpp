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
#include "daemon/listening.hpp"
#include "daemon/log_file.hpp"
#include "daemon/worker.hpp"

namespace weir::daemon {

// What the hang-up signal is: a request to reload, or, without a file, the end of the terminal it was started from.
enum class HangUp : std::uint8_t { reloads, ends };

class App {
 public:
  App(std::shared_ptr<const proxy::Spec> spec, const Overrides& overrides, HangUp hang_up);
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
  void size_connections();
  void start_logs();
  void start_workers();
  void announce();
  std::string addresses_as_json() const;

  void start_checks();
  Task<void> control();
  Task<void> watch_signals(Handle& signals);
  Task<void> force_end(CancelToken token);
  void on_signal(platform::Signal signal);
  void begin_drain();
  void on_backend_failure() noexcept;
  Task<void> drain_workers(CancelToken token);
  void begin_stop();
  bool all_workers_ended();
  void close_logs(int code);

  const std::shared_ptr<const proxy::Spec> spec_;
  const Overrides overrides_;
  HangUp hang_up_;
  std::uint32_t worker_count_ = 1;
  std::uint32_t max_connections_ = 0;
  proxy::EndpointStates endpoint_states_;
  proxy::Findings findings_;
  std::shared_ptr<const proxy::Snapshot> snapshot_;
  std::string backend_name_;

  platform::SignalSource signals_;
  std::vector<std::unique_ptr<Backend>> backends_;  // one for each worker, then the control thread's
  ListeningSockets sockets_;
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
  Event changed_;
  Scope tasks_;
  bool announced_ = false;
  bool draining_ = false;
  bool stopping_ = false;
  bool failed_ = false;
};

}  // namespace weir::daemon
