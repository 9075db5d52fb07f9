#include "core/reactor/run_child.hpp"

#include <algorithm>

#include "core/coro/scope.hpp"
#include "core/reactor/awaitables.hpp"
#include "core/reactor/spawn_thread.hpp"

namespace weir {
namespace {

constexpr std::size_t chunk_size = 4096;
// How long the pipe may stay open after the whole group was killed: a process that still holds it has left the group.
constexpr Duration grace = std::chrono::milliseconds{250};

class Run : Timer, CancelCallback {
 public:
  Run(Reactor& reactor, const RunSpec& spec) noexcept
      : Timer([](Timer& timer) noexcept { static_cast<Run&>(timer).expired(); }),
        CancelCallback([](CancelCallback& callback) noexcept { static_cast<Run&>(callback).kill(RunEnd::cancelled); }),
        reactor_(reactor),
        spec_(spec) {}

  Task<void> to_end(CancelToken token);
  RunResult result;

 private:
  Task<void> start();
  Error attach() noexcept;
  Task<void> capture();
  void keep(std::string_view bytes);
  void expired() noexcept;
  void kill(RunEnd why) noexcept;
  void close() noexcept;

  Reactor& reactor_;
  const RunSpec& spec_;
  ChildProcess child_;
  Handle output_;
  Op* reading_ = nullptr;  // in flight
  bool ended_ = false;     // the program itself
};

Task<void> Run::to_end(CancelToken token) {
  if (token.cancelled()) {
    result.end = RunEnd::cancelled;
    co_return;
  }
  auto starting = start();
  co_await starting;
  if (!child_.is_open()) co_return;
  const TimePoint started = reactor_.clock();
  Scope reader;
  if (!result.error) {
    result.end = RunEnd::exited;
    if (spec_.timeout.count() > 0) reactor_.timers().arm(*this, started + spec_.timeout);
    token.subscribe(*this);
    reader.spawn(capture());
  }
  const auto waited = co_await WaitChild(reactor_, child_, result.status);
  if (!waited && !result.error) result.error = waited.error();
  ended_ = true;
  result.took = reactor_.clock() - started;
  reactor_.backend().kill_tree(child_);  // what it left behind: its number is still its own
  reactor_.timers().arm(*this, reactor_.clock() + grace);
  auto joined = reader.join();
  co_await joined;
  reactor_.timers().disarm(*this);
  close();
}

// On an error the child may be open all the same: then it was killed, and is still to be awaited.
Task<void> Run::start() {
  SpawnSpec spec;
  spec.argv = spec_.argv;
  spec.environment = spec_.environment;
  spec.working_directory = spec_.working_directory;
  spec.stdout_from = &output_;
  spec.merge_stderr = true;
  StartChild starting(reactor_, child_, spec);
  result.error = co_await starting;
  if (result.error) co_return;
  result.error = attach();
  if (result.error) reactor_.backend().kill_tree(child_);
  if (child_.slot == Handle::no_slot) close();  // nobody can wait for it
}

Error Run::attach() noexcept {
  if (const Error error = reactor_.backend().attach(child_)) return error;
  return reactor_.backend().attach(output_);
}

Task<void> Run::capture() {
  std::string chunk(chunk_size, '\0');
  for (;;) {
    Read read(reactor_, output_, chunk.data(), chunk.size());
    reading_ = &read.op();
    const auto got = co_await read;
    reading_ = nullptr;
    if (!got || *got == 0) co_return;
    keep(std::string_view(chunk).substr(0, *got));
  }
}

void Run::keep(std::string_view bytes) {
  const std::size_t room = spec_.max_output - std::min(spec_.max_output, result.output.size());
  result.output.append(bytes.substr(0, room));
  result.dropped += bytes.size() - std::min(room, bytes.size());
}

void Run::expired() noexcept {
  if (!ended_) return kill(RunEnd::timed_out);
  if (reading_ != nullptr) reactor_.cancel(*reading_);
}

// The end is awaited as any other.
void Run::kill(RunEnd why) noexcept {
  if (ended_ || result.end != RunEnd::exited) return;
  result.end = why;
  reactor_.backend().kill_tree(child_);
}

void Run::close() noexcept {
  for (Handle* handle : {&output_, static_cast<Handle*>(&child_)}) {
    if (handle->is_open()) reactor_.backend().close(*handle);
  }
}

}  // namespace

Task<RunResult> run_child(Reactor& reactor, const RunSpec& spec, CancelToken token) {
  Run run(reactor, spec);
  co_await run.to_end(token);
  co_return std::move(run.result);
}

}  // namespace weir
