#pragma once
// Lifecycle: the interface between the daemon and its manager: a terminal, systemd, or the service control manager.
// Requests come in, from any thread; notices go out, from the control thread. No notice waits and none fails the daemon: a
// manager that is gone costs one line in the log.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.hpp"
#include "core/reactor/handle.hpp"
#include "systemd/environment.hpp"

namespace weir::daemon {

// What a manager, a signal or the control socket asks for.
enum class Request : std::uint8_t {
  stop,         // finish what is in flight within runtime.shutdown.timeout, then end; the second time: stop_now
  stop_now,     // cut what is in flight
  drain,        // accept nothing more, finish what is in flight without a bound, then end
  reload,       // load the configuration file again
  reopen_logs,  // log files may have been moved away
  upgrade,      // start a new process of the program, hand it the listening sockets, then drain
};
std::string_view name_of(Request request) noexcept;  // "reopen-logs"

// Takes requests from any thread, a signal handler excepted. Never waits.
class RequestSink {
 public:
  virtual void request(Request request) noexcept = 0;

 protected:
  ~RequestSink() = default;
};

// An entry for the manager's event log, if it has one.
enum class Notice : std::uint8_t { failed_start, worker_failed, reloaded, reload_refused };

// A listening socket, for a manager that keeps them. It stays the daemon's.
struct KeptSocket {
  std::string listener;
  std::uint32_t id = 0;  // its own in the life of the process
  NativeHandle native = no_native_handle;
};

class Lifecycle {
 public:
  virtual ~Lifecycle() = default;

  // "terminal", "systemd" or "windows-service".
  virtual std::string_view name() const noexcept = 0;

  virtual void starting() noexcept = 0;
  virtual void ready() noexcept = 0;      // every listener accepts
  virtual void reloading() noexcept = 0;  // ready() follows, whether the reload succeeds or not
  // One line for people: listeners, connections, how the last reload ended.
  virtual void status(std::string_view text) noexcept = 0;
  virtual void stopping() noexcept = 0;
  // The next notice may take this long; called often enough while connections drain.
  virtual void extend(Duration longest) noexcept = 0;
  // How often alive() is expected while every reactor makes progress; zero: never.
  virtual Duration heartbeat() const noexcept = 0;
  virtual void alive() noexcept = 0;
  virtual void note(Notice, std::string_view) noexcept {}
  // Another process has taken over (upgrade).
  virtual void succeeded_by(std::uint32_t process) noexcept = 0;

  // These are all the listening sockets now. A manager that can keeps copies of them and hands them to the next process.
  virtual void keep(const std::vector<KeptSocket>&) noexcept {}
  // It does: clients that connect between two processes wait instead of being refused, so the sockets must not be altered.
  virtual bool keeps_sockets() const noexcept { return false; }
  // The process is about to exit: waits until the manager has received everything.
  virtual void ended() noexcept {}
};

// Chosen by what is there: the service control dispatcher, NOTIFY_SOCKET, neither. Never null. Main thread, before any
// other.
std::unique_ptr<Lifecycle> find_lifecycle(RequestSink& requests, const systemd::Environment& environment);

}  // namespace weir::daemon
