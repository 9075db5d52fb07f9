#pragma once
// Reload: loads the configuration file again while weir serves. Everything that can fail comes before anything changes:
// reading, validating, resolving, listening, compiling, and handing the new sockets to each worker. Then all workers
// change over, each between two of its turns. Control thread; reading and resolving have a thread of their own meanwhile.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/coro/event.hpp"
#include "core/coro/task.hpp"
#include "core/proxy/health/scheduler.hpp"
#include "core/reactor/reactor.hpp"
#include "daemon/log_file.hpp"
#include "daemon/reload_plan.hpp"
#include "daemon/serving.hpp"
#include "daemon/worker.hpp"

namespace weir::daemon {

struct ReloadVerdict {
  enum class Outcome : std::uint8_t {
    taken_up,
    planned,  // and that was all that was asked for
    refused,  // the configuration is wrong, or takes a restart
    failed,   // it is right, but what it needs cannot be had now
    cuts,     // it would cut more streams than are allowed
  };
  Outcome outcome = Outcome::taken_up;
  std::vector<std::string> problems;  // why not, or warnings; one may have several lines
  std::optional<ReloadPlan> plan;     // once the configuration is known to be right
  Duration took{};

  bool ok() const noexcept { return outcome == Outcome::taken_up || outcome == Outcome::planned; }
};

class Reload {
 public:
  // What a reload works on. Everything outlives it.
  struct Parts {
    Reactor& reactor;
    Serving& serving;
    std::vector<std::unique_ptr<Worker>>& workers;
    Event& worker_changed;      // set whenever one of them has something to say
    proxy::SharedCounters& shared;
    proxy::HealthScheduler* checks;
    LogFile& access_file;
    LogWriter* access_log;      // null: there is none
    const Overrides& overrides;
    const std::string& file;
  };
  Reload(const Parts& parts, const ReloadOrder& order) noexcept : parts_(parts), order_(order) {}

  Task<ReloadVerdict> run();

 private:
  struct Loaded;
  struct Next;  // the configuration that is to be served

  static Loaded load(std::string file, std::string backend);
  bool refuse(ReloadVerdict& verdict, const Loaded& loaded) const;
  bool plan(ReloadVerdict& verdict, const proxy::Spec& next) const;
  bool open(ReloadVerdict& verdict, Next& next);
  Task<bool> prepare_workers(ReloadVerdict& verdict, Next& next);
  Task<void> change_over(Next& next);
  Task<void> wait_while(Worker::ReloadStep step);

  Parts parts_;
  ReloadOrder order_;
};

}  // namespace weir::daemon
