#pragma once
// App: one run of the proxy, from a specification to the exit code. It opens what is needed, starts the workers, and
// runs the control thread's reactor, where signals arrive. Everything that can fail does so before the first request is
// served. The main thread's; made once.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/coro/event.hpp"
#include "core/coro/semaphore.hpp"
#include "core/platform/signal_source.hpp"
#include "core/proxy/h1/upstream_stream.hpp"
#include "core/proxy/health/scheduler.hpp"
#include "daemon/cli.hpp"
#include "daemon/control/control_server.hpp"
#include "daemon/distributor.hpp"
#include "daemon/file_watch.hpp"
#include "daemon/lifecycle.hpp"
#include "daemon/log_file.hpp"
#include "daemon/log_reopening.hpp"
#include "daemon/reload.hpp"
#include "daemon/room_requests.hpp"
#include "daemon/run_state.hpp"
#include "daemon/serving.hpp"
#include "daemon/start.hpp"
#include "daemon/worker.hpp"

namespace weir::daemon {

class App final : private Controlled, private RequestSink {
 public:
  // `file`: where the specification is from, for reloads; empty: it is from the command line.
  App(std::shared_ptr<const proxy::Spec> spec, const Overrides& overrides, const std::string& file, const Start& start);
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

  void complain(std::string_view text);
  bool complain_all(const std::vector<std::string>& failures);  // true: there are none
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
  // app_run.cpp
  Task<void> control();
  Task<void> watch_signals(Handle& signals);
  void on_signal(platform::Signal signal);
  void request(Request request) noexcept override;
  void take_requests();
  void act(Request request);
  Task<void> act_and_log(Request request);
  void on_backend_failure() noexcept;
  void enter(RunEvent event) noexcept;
  std::int64_t shutdown_ms() const noexcept;
  void shut_doors();
  Task<void> drain_workers(CancelToken token);
  Task<void> force_end(CancelToken token);
  [[noreturn]] void leave() noexcept;
  bool all_workers_ended();
  Task<void> keep_house(CancelToken token);
  bool workers_make_progress();
  Task<void> watch_file(CancelToken token);

  void close_logs(int code);
  static bool within_last_lines(std::function<void()> work);

  // app_control.cpp
  bool has_control() const noexcept { return control_wanted() != "off"; }
  const std::string& control_wanted() const noexcept;
  void start_control();
  Task<Verdict> perform(Request request, RequestOptions options) override;
  Task<Verdict> reload(const ReloadOrder& order);
  void note_reload(const ReloadVerdict& verdict);
  Task<Verdict> reopen_logs();
  bool writes_log_file() const { return access_log_ && !access_file_.is_standard(); }
  // app_upgrade.cpp
  Task<Verdict> upgrade();
  void hand_over_to(std::uint32_t process);
  std::string status_line() const;
  Status status() override;

  const proxy::Spec& spec() const noexcept { return *serving_.spec; }

  std::unique_ptr<Lifecycle> lifecycle_;
  Serving serving_;
  const Start start_;
  const Overrides overrides_;
  std::string file_;  // absolute; empty: there is none
  WallTime since_;
  Resolved names_;  // at the start
  std::string backend_name_;

  platform::SignalSource signals_;
  std::vector<std::unique_ptr<Backend>> backends_;  // one for each worker, then the control thread's
  LogFile access_file_;
  LogFile event_file_{"stderr"};
  proxy::SharedCounters shared_;
  LogReopening reopening_;

  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<LogWriter> access_log_;
  Distributor distributor_;
  RoomRequests room_requests_;
  std::vector<std::unique_ptr<Worker>> workers_;

  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<proxy::h1::UpstreamSide> check_protocol_;
  std::unique_ptr<proxy::HealthScheduler> checks_;
  std::unique_ptr<ControlServer> control_;
  // The process exits without a task of the control thread that does not end.
  struct LastResort : Timer {
    LastResort() noexcept : Timer([](Timer& timer) noexcept { static_cast<LastResort&>(timer).app->leave(); }) {}
    App* app = nullptr;
  } last_resort_;
  Note note_;
  Note backend_failed_;
  Event changed_;         // a worker has something to say
  Event worker_changed_;  // the same, for a reload that waits for it
  Semaphore reloading_{1};      // one at a time, in the order in which they are asked for
  bool reload_waits_ = false;   // a reload by signal is queued
  std::uint64_t reloads_ = 0, refused_reloads_ = 0;
  std::optional<FileWatch> file_watch_;  // empty: the file is not watched
  std::optional<LastReload> last_reload_;
  Scope tasks_;
  std::atomic<std::uint32_t> requested_{0};   // a bit for each Request
  std::atomic<Reactor*> listening_{nullptr};  // that looks at them
  RunState state_ = RunState::starting;
  bool is_succeeded_ = false;  // another process has taken the sockets over
  bool stuck_ = false;         // a worker does not answer, and that was logged
  bool failed_ = false;
};

}  // namespace weir::daemon
