#include "core/coro/scope.hpp"

#include <atomic>
#include <utility>

#include "core/base/log.hpp"

namespace weir {

namespace {

std::atomic<std::uint64_t> escaped_count{0};

void log_escaped(const std::exception_ptr& what) noexcept {
  try {
    std::rethrow_exception(what);
  } catch (const std::exception& exception) {
    log_error("exception escaped from a task {}", kv("what", exception.what()));
  } catch (...) { std::fprintf(stderr, "weir: an exception of unknown type escaped from a task\n"); }
}

}  // namespace

std::uint64_t Scope::escaped() noexcept { return escaped_count.load(std::memory_order_relaxed); }

void Scope::spawn(Task<void> task) {
  Task<void>::Handle child = task.release();
  WEIR_VERIFY(child);
  child.promise().scope = this;
  ++live_;
  child.resume();
}

void Scope::child_ended(std::exception_ptr exception) noexcept {
  if (exception) {
    escaped_count.fetch_add(1, std::memory_order_relaxed);
    if (sink_) {
      sink_(context_, std::move(exception));
    } else {
      log_escaped(exception);
    }
  }
  --live_;
  if (live_ == 0 && joiner_) RunQueue::current().push(*std::exchange(joiner_, nullptr));
}

void detail::PromiseBase::end_spawned() noexcept {
  finished = true;
  scope->child_ended(std::move(exception));
}

}  // namespace weir
