// Starts of programs are made beside the reactor: it goes on meanwhile. Nothing is really started here.

#include "core/reactor/spawn_thread.hpp"

#include "core/backends/registry.hpp"
#include "core/reactor/awaitables.hpp"
#include "core/reactor/run_child.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;

namespace weir {
namespace {

// What a start does to its caller, in place of the system.
struct Starts {
  bool hold = true;         // until it is released
  bool spawn_holds = true;  // what the backend says of itself

  void let_go() {
    {
      const std::lock_guard lock(mutex);
      hold = false;
    }
    changed.notify_all();
  }
  Error make(const SpawnSpec& spec) {
    std::unique_lock lock(mutex);
    started.push_back(spec.argv[0]);
    thread = std::this_thread::get_id();
    changed.notify_all();
    in_time = changed.wait_for(lock, 60s, [this] { return !hold; });
    return Errc::not_found;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return started.size();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> started;
  std::thread::id thread;
  bool in_time = false;
};

// The system's backend but for its starts.
class HeldBackend final : public Backend {
 public:
  explicit HeldBackend(Starts& starts)
      : starts_(starts), real_(*make_backend("auto")), capabilities_(real_->capabilities()) {
    capabilities_.spawn_holds = starts.spawn_holds;
  }
  const Capabilities& capabilities() const noexcept override { return capabilities_; }
  TimePoint now() const noexcept override { return real_->now(); }
  WallTime wall_time() const noexcept override { return real_->wall_time(); }
  const BackendCounters& counters() const noexcept override { return real_->counters(); }
  Error open(Handle& handle, const OpenSpec& spec) noexcept override { return real_->open(handle, spec); }
  Error attach(Handle& handle) noexcept override { return real_->attach(handle); }
  void shutdown(Handle& handle, Direction direction) noexcept override { real_->shutdown(handle, direction); }
  void abort_on_close(Handle& handle) noexcept override { real_->abort_on_close(handle); }
  void close(Handle& handle) noexcept override { real_->close(handle); }
  Error spawn(ChildProcess&, const SpawnSpec& spec) noexcept override { return starts_.make(spec); }
  void kill_tree(ChildProcess& child) noexcept override { real_->kill_tree(child); }
  Submit submit(Op& op) noexcept override { return real_->submit(op); }
  void cancel(Op& op) noexcept override { real_->cancel(op); }
  void wait(TimePoint deadline, Queue<Op>& ready) noexcept override { real_->wait(deadline, ready); }
  void wake() noexcept override { real_->wake(); }

 private:
  Starts& starts_;
  std::unique_ptr<Backend> real_;
  Capabilities capabilities_;
};

Task<void> run_into(Reactor& reactor, std::string program, RunResult& result) {
  RunSpec spec;
  spec.argv = {std::move(program)};
  result = co_await run_child(reactor, spec);
}

// Turns of the reactor while the first start is held.
Task<void> go_on_meanwhile(Reactor& reactor, Starts& starts, int& turns) {
  while (starts.count() == 0) {
    SleepUntil pause(reactor, reactor.clock() + 1ms);
    co_await pause;
  }
  for (; turns < 5; ++turns) {
    SleepUntil pause(reactor, reactor.clock() + 1ms);
    co_await pause;
  }
  CHECK(starts.count() == 1);
  starts.let_go();
}

Task<void> run_three(Reactor& reactor, Starts& starts, int& turns) {
  RunResult results[3];
  const char* const names[3] = {"one", "two", "three"};
  Scope scope;
  for (int i = 0; i < 3; ++i) scope.spawn(run_into(reactor, names[i], results[i]));
  scope.spawn(go_on_meanwhile(reactor, starts, turns));
  auto joined = scope.join();
  co_await joined;
  for (const RunResult& result : results) {
    CHECK(result.end == RunEnd::not_started);
    CHECK(result.error.code == Errc::not_found);
  }
}

}  // namespace

TEST_CASE("a reactor goes on while a program is being started, and starts come one after the other") {
  Starts starts;
  int turns = 0;
  {
    Reactor reactor(std::make_unique<HeldBackend>(starts));
    reactor.run(run_three(reactor, starts, turns));
  }
  CHECK(starts.in_time);
  CHECK(turns == 5);
  CHECK(starts.started == std::vector<std::string>{"one", "two", "three"});
  CHECK(starts.thread != std::this_thread::get_id());
}

TEST_CASE("where a start holds nobody it is made on the reactor's thread") {
  Starts starts;
  starts.hold = starts.spawn_holds = false;
  Reactor reactor(std::make_unique<HeldBackend>(starts));
  RunResult result;
  reactor.run(run_into(reactor, "one", result));
  CHECK(result.error.code == Errc::not_found);
  CHECK(starts.thread == std::this_thread::get_id());
}

}  // namespace weir
