#include "core/reactor/reactor.hpp"

#include <algorithm>
#include <exception>

#include "core/reactor/spawn_thread.hpp"

namespace weir {
namespace {

// Rounds of the run queue in one turn: a chain of coroutines that wake one another needs no system call between two
// links, and cannot keep the turn from ending either.
constexpr int run_queue_rounds = 8;

void keep_exception(void* context, std::exception_ptr what) noexcept {
  *static_cast<std::exception_ptr*>(context) = std::move(what);
}

}  // namespace

Reactor::Reactor(std::unique_ptr<Backend> backend, const ReactorOptions& options)
    : backend_(std::move(backend)),
      buffers_(options.buffer_size, options.max_buffers),
      now_(backend_->now()),
      timers_(now_) {}

Reactor::~Reactor() {
  WEIR_VERIFY(in_flight_ == 0);
  WEIR_VERIFY(run_queue_.empty());
}

void Reactor::run(Task<void> main) {
  std::exception_ptr escaped;
  Scope root(keep_exception, &escaped);
  now_ = backend_->now();
  inline_left_ = inline_budget;
  {
    const RunQueue::Active active(run_queue_);
    root.spawn(std::move(main));
  }
  for (;;) {
    work();
    if (root.live() == 0 && in_flight_ == 0 && run_queue_.empty()) break;  // nothing left to wait for
    sleep(TimePoint::max());
  }
  if (escaped) std::rethrow_exception(escaped);
}

bool Reactor::turn(TimePoint deadline) {
  work();
  sleep(deadline);
  return in_flight_ > 0 || !run_queue_.empty() || !posted_.empty() || timers_.next_deadline() != TimePoint::max();
}

void Reactor::work() {
  const RunQueue::Active active(run_queue_);
  run_posted();
  complete_ready();
  for (int round = 0; round < run_queue_rounds && !run_queue_.empty(); ++round) {
    inline_left_ = inline_budget;
    run_queue_.drain();
  }
  timers_.expire(now_);
}

void Reactor::sleep(TimePoint deadline) noexcept {
  const bool busy = !ready_.empty() || !run_queue_.empty();
  const TimePoint until = busy ? now_ : std::min(deadline, timers_.next_deadline());
  longest_turn_ = std::max(longest_turn_, backend_->now() - now_);
  backend_->wait(until, ready_);
  now_ = backend_->now();
  if (backend_->failure() && failure_notice_) posted_.push(*std::exchange(failure_notice_, nullptr));
}

SpawnThread* Reactor::spawn_thread() noexcept try {
  if (!spawn_thread_) spawn_thread_ = std::make_unique<SpawnThread>(*this);
  return spawn_thread_.get();
} catch (const std::exception&) { return nullptr; }

void Reactor::post(Posted& work) noexcept {
  if (posted_.push(work)) backend_->wake();
}

Duration Reactor::take_longest_turn() noexcept { return std::exchange(longest_turn_, Duration{}); }

// Completes what is ready now. What completions make ready waits for the next turn, behind one look at the system.
void Reactor::complete_ready() noexcept {
  Queue<Op> batch;
  batch.splice(ready_);
  while (Op* op = batch.pop()) {
    WEIR_ASSERT(op->state == OpState::ready);
    op->state = OpState::idle;
    --in_flight_;
    inline_left_ = inline_budget;
    op->complete(*op);
  }
}

void Reactor::run_posted() noexcept {
  if (posted_.empty()) return;
  Queue<Posted> batch = posted_.take_all();
  while (Posted* work = batch.pop()) {
    inline_left_ = inline_budget;
    work->run(*work);
  }
}

}  // namespace weir
