#pragma once
// What the control socket asks of the process it belongs to, and what it is told. App implements it; control thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.hpp"
#include "core/coro/task.hpp"
#include "core/proxy/counters.hpp"
#include "daemon/lifecycle.hpp"
#include "daemon/reload_plan.hpp"
#include "daemon/run_state.hpp"

namespace weir::daemon {

// How a request ended.
struct Verdict {
  bool ok = true;
  std::vector<std::string> lines;  // for people: the first says it, the rest are details
  int exit_code = 0;               // of the command that asked
  std::string plan;                // JSON, of a reload: see ReloadPlan
};

// How the last reload ended.
struct LastReload {
  WallTime at;
  bool ok = true;
  std::string error;  // of one that failed; may have several lines
};

// What a request says beside its name.
struct RequestOptions {
  ReloadOrder reload;
};

struct Status {
  using State = RunState;
  struct Listener {
    std::string name;
    std::vector<std::string> addresses;  // with the ports that the system chose
  };

  std::string version;
  std::uint32_t process = 0;
  State state = State::starting;
  WallTime since;      // the start
  std::string config;  // absolute; empty: there is no file
  std::vector<Listener> listeners;
  std::uint32_t workers = 0;
  std::string backend;
  std::uint32_t connections = 0;  // of clients, now
  std::uint32_t max_connections = 0;
  proxy::ServerCounters counters;  // of all workers together
  std::optional<LastReload> last_reload;
  std::uint64_t reloads = 0, refused_reloads = 0;  // so far
};

class Controlled {
 public:
  // stop, stop_now and drain have been begun when it ends, reload, reopen_logs and upgrade have come to their end. It
  // ends by itself when the process does.
  virtual Task<Verdict> perform(Request request, RequestOptions options) = 0;
  virtual Status status() = 0;

 protected:
  ~Controlled() = default;
};

}  // namespace weir::daemon
