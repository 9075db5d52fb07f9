#include "core/backends/readiness.hpp"

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "core/backends/place.hpp"
#include "core/platform/child.hpp"
#include "core/platform/clock.hpp"
#include "core/platform/fallbacks.hpp"
#include "core/platform/sockets.hpp"

namespace weir {
namespace {

// Handles dispatched by one wait. The bytes of so many fit the caches between being received and being used; what else
// the kernel reported waits for the next call, which then costs no system call.
constexpr std::size_t dispatch_batch = 32;

bool worth_trying(const Op& op) noexcept {
  return direction_of(op.kind) == Direction::in ? op.handle->maybe_readable : op.handle->maybe_writable;
}

Interest interest_of(const Op& op) noexcept {
  return direction_of(op.kind) == Direction::in ? Interest::read : Interest::write;
}

}  // namespace

ReadinessBackend::ReadinessBackend(const Capabilities& capabilities) noexcept
    : capabilities_(capabilities), descriptors_for_children_(!platform::fallbacks_forced()) {}

ReadinessBackend::~ReadinessBackend() {
  for ([[maybe_unused]] const Slot& slot : slots_) WEIR_ASSERT(slot.handle == nullptr);  // every handle was closed
}

TimePoint ReadinessBackend::now() const noexcept { return platform::monotonic_now(); }
WallTime ReadinessBackend::wall_time() const noexcept { return platform::wall_now(); }

Duration ReadinessBackend::time_until(TimePoint until) const noexcept {
  if (until.ns <= 0) return Duration{};
  const Duration left = until - now();
  return left.count() > 0 ? left : Duration{};
}

Error ReadinessBackend::open(Handle& handle, const OpenSpec& spec) noexcept {
  if (spec.what != OpenSpec::What::adopt) {
    if (const Ruling rule = capabilities_[feature_of(spec.address.family)]; !rule.allowed) return refused(rule.rule);
  }
  return platform::open(handle, spec);
}

// Takes a slot, no more: the kernel hears of the handle when an op first parks on it.
Error ReadinessBackend::attach(Handle& handle) noexcept {
  WEIR_VERIFY(handle.is_open() && handle.slot == Handle::no_slot);
  if (const Ruling rule = capabilities_[feature_of(handle.kind)]; !rule.allowed) return refused(rule.rule);
  if (!armable(handle)) {
    if (const Error error = note_numbered(handle)) return error;
  }
  if (free_slot_ == Handle::no_slot) {
    try {
      slots_.emplace_back();
    } catch (const std::bad_alloc&) {
      std::erase(numbered_children_, &handle);
      return Errc::out_of_memory;
    }
    free_slot_ = static_cast<std::uint32_t>(slots_.size() - 1);
  }
  Slot& slot = slots_[free_slot_];
  handle.slot = free_slot_;
  handle.generation = slot.generation;
  free_slot_ = slot.next_free;
  slot.handle = &handle;
  ++attached_;
  return {};
}

void ReadinessBackend::shutdown(Handle& handle, Direction direction) noexcept { platform::shutdown(handle, direction); }

void ReadinessBackend::abort_on_close(Handle& handle) noexcept { platform::abort_on_close(handle); }

void ReadinessBackend::close(Handle& handle) noexcept {
  WEIR_VERIFY(handle.quiet());
  if (handle.slot != Handle::no_slot) {
    Slot& slot = slots_[handle.slot];
    WEIR_VERIFY(slot.handle == &handle);
    if (handle.armed != 0) arm(handle, Interest::none);
    if (!armable(handle)) std::erase(numbered_children_, &handle);
    slot.handle = nullptr;
    ++slot.generation;  // events that are under way, or in fired_, are dropped
    slot.next_free = free_slot_;
    free_slot_ = handle.slot;
    --attached_;
  }
  platform::close(handle);
}

Error ReadinessBackend::spawn(ChildProcess& child, const SpawnSpec& spec) noexcept {
  if (const Ruling rule = capabilities_[Feature::child_processes]; !rule.allowed) return refused(rule.rule);
  const Error error = platform::spawn(child, spec);
  if (!error && !descriptors_for_children_) platform::watch_by_number(child);
  return error;
}

void ReadinessBackend::kill_tree(ChildProcess& child) noexcept { platform::kill_tree(child); }

Submit ReadinessBackend::submit(Op& op) noexcept {
  WEIR_ASSERT(op.handle->slot != Handle::no_slot && slots_[op.handle->slot].handle == op.handle);
  WEIR_VERIFY(place_of(op) == nullptr);
  op.state = OpState::idle;
  // A connect begins with a call whatever the hint says.
  if ((worth_trying(op) || op.kind == OpKind::connect) && attempt(op)) return Submit::done;
  if (const Error error = park(op)) {
    op.error = error;
    return Submit::done;
  }
  op.state = OpState::in_flight;
  return Submit::pending;
}

// One try. False: it would have blocked, and the next one has to wait for an event.
bool ReadinessBackend::attempt(Op& op) noexcept {
  // An op that is parked here has been tried before: for a connect, the question is how it went.
  const bool parked = place_of(op) == &op;
  const platform::Attempt outcome =
      parked && op.kind == OpKind::connect ? platform::finish_connect(op) : platform::perform(op);
  if (outcome == platform::Attempt::done) return true;
  Handle& handle = *op.handle;
  if (direction_of(op.kind) == Direction::out) {
    handle.maybe_writable = false;
  } else if (outcome == platform::Attempt::would_block || !handle.hung_up) {
    // A short receive has emptied the socket. What comes later, the end of the stream included, is reported as a new
    // event; what had come before is reported when the handle is armed for the first time. Once the peer's end was
    // seen no new event may follow, so the hint stays.
    handle.maybe_readable = false;
  }
  return outcome == platform::Attempt::done_short;
}

Error ReadinessBackend::park(Op& op) noexcept {
  if (failure_) return failure_;
  const Interest interest = interest_of(op);
  if (armable(*op.handle) && (op.handle->armed & bits(interest)) == 0) {
    if (const Error error = arm(*op.handle, interest)) return error;
  }
  place_of(op) = &op;
  return {};
}

void ReadinessBackend::cancel(Op& op) noexcept {
  Op*& parked = place_of(op);
  WEIR_VERIFY(parked == &op);
  parked = nullptr;
  op.bytes = 0;
  op.error = Errc::cancelled;
  end(op);
}

void ReadinessBackend::wait(TimePoint deadline, Queue<Op>& ready) noexcept {
  completed_ = 0;
  if (failure_) return wait_without_system(deadline, ready);
  for (;;) {
    take_ended(ready);
    // What was cancelled needs no system call: a connection that closes does it that way. Every second wait asks all
    // the same, so that none starves.
    if (completed_ > 0 && !skipped_) {
      skipped_ = true;
      return;
    }
    if (next_fired_ == fired_.size()) {
      fired_.clear();
      next_fired_ = 0;
      skipped_ = false;
      ++counters_.waits;
      poll(completed_ > 0 ? TimePoint{} : deadline, fired_);
      if (failure_) return wait_without_system(deadline, ready);
      take_ended(ready);
    }
    for (std::size_t n = 0; n < dispatch_batch && next_fired_ < fired_.size(); ++n) {
      dispatch(fired_[next_fired_++], ready);
    }
    if (completed_ > 0 || woken_) break;
    // Only hints were set, or a signal ended the sleep.
    if (next_fired_ == fired_.size() && now() >= deadline) break;
  }
  woken_ = false;
}

void ReadinessBackend::take_ended(Queue<Op>& ready) noexcept {
  while (Op* op = ended_.pop()) {
    ready.push(*op);
    ++completed_;
  }
}

void ReadinessBackend::dispatch(const Fired& fired, Queue<Op>& ready) noexcept {
  if (fired.token.slot == wake_token.slot) {
    wakeup_.drain();
    if (called_.exchange(false, std::memory_order_acq_rel)) woken_ = true;
    if (child_exits_.take()) look_after_children(ready);
    return;
  }
  const Slot& slot = slots_[fired.token.slot];
  if (slot.handle == nullptr || slot.generation != fired.token.generation) {
    ++counters_.stale_events;
    return;
  }
  Handle& handle = *slot.handle;
  if (fired.hung_up) handle.hung_up = true;
  if (fired.readable || fired.hung_up) {
    handle.maybe_readable = true;
    retry(handle.in, ready);
  }
  if (fired.writable || fired.hung_up) {
    handle.maybe_writable = true;
    retry(handle.out, ready);
  }
}

// --- the system's wait has failed for good ---

void ReadinessBackend::end_all(Queue<Op>& ready) noexcept {
  take_ended(ready);
  for (const Slot& slot : slots_) {
    if (slot.handle == nullptr) continue;
    for (Op** parked : {&slot.handle->in, &slot.handle->out}) {
      if (*parked == nullptr) continue;
      Op& op = *std::exchange(*parked, nullptr);
      op.bytes = 0;
      op.error = failure_;
      op.state = OpState::ready;
      ready.push(op);
      ++completed_;
    }
  }
}

// Everything is shutting down: timers and wakes are served, in short sleeps.
void ReadinessBackend::wait_without_system(TimePoint deadline, Queue<Op>& ready) noexcept {
  constexpr Duration nap = std::chrono::milliseconds{1};
  end_all(ready);
  while (completed_ == 0 && !called_.exchange(false, std::memory_order_acq_rel)) {
    const Duration left = time_until(deadline);
    if (left == Duration{}) break;
    std::this_thread::sleep_for(std::min(left, nap));
  }
  wakeup_.drain();
  woken_ = false;
}

// --- children without a descriptor ---

bool ReadinessBackend::armable(const Handle& handle) const noexcept {
  return handle.kind != HandleKind::child || static_cast<const ChildProcess&>(handle).has_descriptor || arms_numbers();
}

// Before the first look at the child: should it end after that look, the wakeup tells.
Error ReadinessBackend::note_numbered(Handle& handle) noexcept {
  child_exits_.announce_to(wakeup_);
  try {
    numbered_children_.push_back(&handle);
  } catch (const std::bad_alloc&) { return Errc::out_of_memory; }
  return {};
}

// The signal does not say which child has ended.
void ReadinessBackend::look_after_children(Queue<Op>& ready) noexcept {
  for (Handle* child : numbered_children_) {
    child->maybe_readable = true;
    retry(child->in, ready);
  }
}

void ReadinessBackend::retry(Op*& parked, Queue<Op>& ready) noexcept {
  if (parked == nullptr) return;  // the hint is all there is to leave behind
  Op& op = *parked;
  if (!attempt(op)) {
    const Error error = park(op);
    if (!error) return;
    op.error = error;
  }
  parked = nullptr;
  op.state = OpState::ready;
  ready.push(op);
  ++completed_;
}

}  // namespace weir
