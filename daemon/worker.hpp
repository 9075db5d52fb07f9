#pragma once
// Worker: one thread with one reactor and one proxy engine. Made, commanded and joined by the control thread; the
// reactor and the engine live and die on the worker's own thread, the engine first.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/log.hpp"
#include "core/proxy/server.hpp"

namespace weir::daemon {

class Distributor;
class RoomRequests;

class Worker {
 public:
  struct Setup {
    std::uint32_t number = 0;
    std::unique_ptr<Backend> backend;
    std::shared_ptr<const proxy::Snapshot> snapshot;
    std::vector<proxy::AdoptedListener> listeners;
    bool takes_over = false;             // another worker accepts TCP connections for this one
    Distributor* distributor = nullptr;  // this worker accepts for all of these
    RoomRequests* room_requests = nullptr;  // how it asks the others
    proxy::SharedCounters* shared = nullptr;
    std::uint64_t seed = 0;
    LogWriter* log = nullptr;         // operational records
    LogWriter* access_log = nullptr;  // null: none is written
    bool log_colour = false;          // of the access log
    // Called on the worker's thread when it has begun to serve, when a step of a reload is done and when it has ended.
    // Must not block.
    void (*changed)(void* context) noexcept = nullptr;
    void* context = nullptr;
  };

  explicit Worker(Setup setup);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();  // joins: it has ended, or was told to

  // Control thread; what was asked before is not asked again. A worker that has ended ignores them.
  void refuse_newcomers() noexcept;  // a moment before drain(): see core/platform/admission.hpp
  void finish() noexcept;
  void drain() noexcept;
  void stop() noexcept;

  // Control thread. A new configuration in two steps, so that all workers take it up or none does: what prepare() came to
  // is told by reload_step(), then commit() or abandon(). One at a time. A worker that has ended refuses.
  enum class ReloadStep : std::uint8_t { none, preparing, prepared, refused, committing };
  void prepare(proxy::Change change) noexcept;
  void commit() noexcept;
  void abandon() noexcept;
  ReloadStep reload_step() const noexcept { return step_.load(std::memory_order_acquire); }
  const Error& refusal() const noexcept { return refusal_; }  // once refused

  // Control thread: asks whether the worker's reactor makes progress. True: it has answered the last time, or was not
  // asked yet.
  bool beat() noexcept;

  // Any thread: a connection that another worker accepted. False: this one has not begun or has ended, and nothing
  // happened.
  bool take(const proxy::AcceptedConnection& connection) noexcept;

  // Any thread: closes the client that has been idle longest here, for one that came by this listener; see
  // proxy::Server::make_room. What is asked while another request waits is forgotten.
  void make_room(std::uint32_t listener) noexcept;

  bool serving() const noexcept { return serving_.load(std::memory_order_acquire); }  // has begun to
  bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  // Once ended. Why it ended before it was told to; empty: it did not.
  const std::string& failure() const noexcept { return failure_; }
  proxy::ServerCounters counters() noexcept;  // any thread, at any time

 private:
  struct Command : Posted {
    Worker* worker = nullptr;
    bool asked = false;
  };

  void main() noexcept;
  void serve();
  Result<void> run_engine(Reactor& reactor);
  proxy::ServerOptions server_options();  // moves the listeners out of the setup
  void publish(Reactor& reactor, proxy::Server& server) noexcept;
  void withdraw() noexcept;
  void admit_no_more() noexcept;
  void post(Command& command) noexcept;
  bool post_again(Command& command) noexcept;
  void take_up(ReloadStep next) noexcept;
  bool hand_over(const proxy::AcceptedConnection& connection) noexcept;
  void take_arrivals() noexcept;
  static Task<void> run_server(proxy::Server& server, Result<void>& outcome);

  Setup setup_;
  std::vector<NativeHandle> listeners_;  // the server's, open until it closes them
  std::unique_ptr<LogProducer> access_ring_;
  proxy::ServerCounters counters_;
  std::string failure_;
  Command refuse_;
  Command finish_;
  Command drain_;
  Command stop_;
  Command backend_failed_;
  Command arrivals_;
  Command prepare_;
  Command commit_;
  Command abandon_;
  Command beat_;
  Command room_;
  std::uint32_t room_for_ = 0;  // a listener; passes to the worker's thread with room_
  std::atomic<bool> room_asked_{false};
  std::atomic<bool> answered_{true};
  proxy::Change change_;  // passes to the worker's thread with prepare_
  Error refusal_;
  std::atomic<ReloadStep> step_{ReloadStep::none};
  bool refusing_ = false;  // own thread: a stop is near, so nothing is handed over any more
  std::atomic<bool> serving_{false};
  std::atomic<bool> ended_{false};

  std::mutex mutex_;  // guards what follows: a command never meets a reactor that is gone
  std::vector<proxy::AcceptedConnection> arrived_;
  Reactor* reactor_ = nullptr;
  proxy::Server* server_ = nullptr;

  std::thread thread_;  // last: it uses everything above
};

}  // namespace weir::daemon
