#include "tests/sim/backend/sim_backend.hpp"

#include <algorithm>
#include <new>

#include "core/base/assert.hpp"
#include "tests/sim/backend/sim_children.hpp"
#include "tests/sim/backend/sim_network.hpp"
#include "tests/sim/backend/sim_slot.hpp"

namespace weir::sim {
namespace {

constexpr std::int64_t wall_clock_start = 1'795'000'000'000'000'000;  // 2026-11-18, some offset from the monotonic one

// A handle as it is before open, but for its generation.
void clear(Handle& handle) noexcept {
  handle.native = no_native_handle;
  handle.slot = Handle::no_slot;
  handle.kind = HandleKind::none;
  handle.maybe_readable = handle.maybe_writable = true;
  handle.hung_up = false;
  handle.armed = 0;
  handle.shared = false;
}

HandleKind handle_kind(const Object& object) noexcept {
  const bool named_pipe = object.family == Family::named_pipe;
  switch (object.kind) {
    case ObjectKind::listener: return named_pipe ? HandleKind::pipe_listener : HandleKind::listener;
    case ObjectKind::stream: return named_pipe ? HandleKind::pipe_stream : HandleKind::stream_socket;
    case ObjectKind::pipe: return HandleKind::pipe;
    case ObjectKind::char_device: return HandleKind::char_device;
    case ObjectKind::regular_file: return HandleKind::regular_file;
    case ObjectKind::foreign: return HandleKind::foreign;
    case ObjectKind::child: return HandleKind::child;
  }
  return HandleKind::none;
}

}  // namespace

SimBackend::SimBackend(SimWorld& world, const SimProfile& profile)
    : world_(world), profile_(profile), id_(world.next_backend_++) {
  capabilities_.name = profile.name;
  capabilities_.platform = profile.platform;
  capabilities_.max_sockets = profile.max_sockets;
  capabilities_.spawn_holds = false;
  capabilities_.clock_resolution = profile.clock_resolution;
  world_.join(*this);
}

SimBackend::~SimBackend() {
  WEIR_VERIFY(in_flight_ == 0);
  WEIR_VERIFY(attached_ == 0);
  WEIR_VERIFY(open_handles_ == 0);
  world_.leave(*this);
}

TimePoint SimBackend::now() const noexcept {
  const std::int64_t step = std::max<std::int64_t>(1, profile_.clock_resolution.count());
  return {world_.now().ns / step * step};
}

WallTime SimBackend::wall_time() const noexcept { return {wall_clock_start + world_.now().ns}; }

Address SimBackend::host() const noexcept {
  Address address;
  address.family = Family::ipv4;
  address.ip[0] = 10;
  address.ip[2] = static_cast<std::uint8_t>(id_ >> 8);
  address.ip[3] = static_cast<std::uint8_t>(id_);
  return address;
}

Object& SimBackend::object_of(const Handle& handle) const noexcept {
  WEIR_VERIFY(handle.is_open());
  return world_.network().get(handle.native);
}

Address SimBackend::local_address(const Handle& handle) const noexcept {
  const Object& object = object_of(handle);
  if (object.kind == ObjectKind::listener) return object.bound;
  return object.connection ? object.connection->address[object.side] : Address{};
}

Address SimBackend::peer_address(const Handle& handle) const noexcept {
  const Object& object = object_of(handle);
  return object.connection ? object.connection->address[1 - object.side] : Address{};
}

// --- opening and closing ---

bool SimBackend::out_of_descriptors() const noexcept {
  return profile_.max_descriptors != 0 && open_handles_ >= profile_.max_descriptors;
}

Error SimBackend::open(Handle& handle, const OpenSpec& spec) noexcept {
  WEIR_VERIFY(!handle.is_open());
  WEIR_VERIFY(handle.quiet());
  ++world_.activity_;
  Error error;
  if (spec.what == OpenSpec::What::adopt) {
    error = adopt(handle, spec.native);
  } else {
    const bool shared = spec.what == OpenSpec::What::listener && spec.reuse_port;
    const Feature feature =
        shared && spec.address.has_port() ? Feature::shared_listeners : feature_of(spec.address.family);
    const Ruling allowed = capabilities_[feature];
    if (!allowed.allowed) {
      error = refused(allowed.rule);
    } else if (spec.address.family == Family::none) {
      error = Errc::bad_argument;
    } else if (out_of_descriptors()) {
      error = Errc::descriptor_limit;
    } else {
      error = spec.what == OpenSpec::What::listener ? open_listener(handle, spec) : open_stream(handle, spec);
    }
  }
  world_.trace(TraceKind::open, id_, static_cast<std::uint64_t>(handle.native), static_cast<std::uint64_t>(error.code));
  return error;
}

void SimBackend::take(Handle& handle, Object& object) noexcept {
  clear(handle);
  handle.native = object.native;
  handle.kind = handle_kind(object);
  object.taken = true;
}

Error SimBackend::open_listener(Handle& handle, const OpenSpec& spec) noexcept {
  Object& object = world_.network().add(ObjectKind::listener, *this);
  object.family = spec.address.family;
  object.backlog_limit = std::max<std::uint16_t>(1, spec.backlog);
  object.reuse_port = spec.reuse_port;
  object.v6_only = spec.v6_only;
  const Error error = world_.network().bind(object, spec.address);
  if (error) {
    world_.network().remove(object);
    return error;
  }
  ++open_handles_;
  take(handle, object);
  return {};
}

Error SimBackend::open_stream(Handle& handle, const OpenSpec& spec) noexcept {
  if (world_.rng().chance(world_.faults(id_, 0).open_failure)) return Errc::descriptor_limit;
  Object& object = world_.network().add(ObjectKind::stream, *this);
  object.family = spec.address.family;
  ++open_handles_;
  take(handle, object);
  return {};
}

Error SimBackend::adopt(Handle& handle, NativeHandle native) noexcept {
  if (native == no_native_handle) return Errc::bad_descriptor;
  Object& object = world_.network().get(native);
  WEIR_VERIFY(!object.taken);
  WEIR_VERIFY(object.owner == this);
  if (object.kind == ObjectKind::regular_file) {
    const Ruling allowed = capabilities_[Feature::regular_files];
    if (!allowed.allowed) return refused(allowed.rule);
  }
  take(handle, object);
  handle.shared = true;
  return {};
}

Error SimBackend::attach(Handle& handle) noexcept {
  Object& object = object_of(handle);
  WEIR_VERIFY(handle.slot == Handle::no_slot);
  WEIR_VERIFY(object.attached == nullptr);
  ++world_.activity_;
  Ruling allowed = capabilities_[feature_of(handle.kind)];
  if (allowed.allowed && object.kind == ObjectKind::pipe && !object.overlapped) {
    allowed = capabilities_[Feature::plain_pipes];
  }
  if (!allowed.allowed) return refused(allowed.rule);
  if (profile_.max_sockets != 0 && attached_ >= profile_.max_sockets) {
    const RuleId rule = platform_limits(profile_.platform).max_sockets_rule;
    return rule != 0 ? refused(rule) : Error(Errc::limit_exceeded);
  }
  // An accepted socket may join another reactor of the same process, which then accounts for it.
  if (object.owner != this) {
    --object.owner->open_handles_;
    ++open_handles_;
    object.owner = this;
  }
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  slots_[index].handle = &handle;
  handle.slot = object.slot = index;
  handle.generation = object.generation = slots_[index].generation;
  object.attached = this;
  ++attached_;
  world_.trace(TraceKind::attach, id_, static_cast<std::uint64_t>(handle.native), index);
  return {};
}

void SimBackend::shutdown(Handle& handle, Direction direction) noexcept {
  Object& object = object_of(handle);
  ++world_.activity_;
  world_.trace(TraceKind::shutdown, id_, static_cast<std::uint64_t>(handle.native),
               static_cast<std::uint64_t>(direction));
  if (object.kind != ObjectKind::stream || object.state != Object::State::connected) return;
  if (object.family == Family::named_pipe) return;  // there is no half close
  if (direction != Direction::in) {
    world_.network().shutdown_out(object);
    fire(object, Direction::out);
  }
  if (direction != Direction::out) {
    object.shut_in = true;
    fire(object, Direction::in);
  }
}

void SimBackend::abort_on_close(Handle& handle) noexcept { object_of(handle).abort = true; }

void SimBackend::close(Handle& handle) noexcept {
  Object& object = object_of(handle);
  WEIR_VERIFY(handle.quiet());
  ++world_.activity_;
  world_.trace(TraceKind::close, id_, static_cast<std::uint64_t>(handle.native), object.abort);
  if (object.attached) {
    WEIR_VERIFY(object.attached == this);
    WEIR_VERIFY(handle.slot < slots_.size() && slots_[handle.slot].handle == &handle);
    slots_[handle.slot].handle = nullptr;
    ++slots_[handle.slot].generation;
    free_slots_.push_back(handle.slot);
    --attached_;
  }
  --object.owner->open_handles_;
  if (object.kind == ObjectKind::child) {
    world_.children().reap(object.process, object.attached != nullptr);
    static_cast<ChildProcess&>(handle).id = 0;
  }
  object.attached = nullptr;
  world_.network().remove(object);
  clear(handle);
}

// --- waiting ---

TimePoint SimBackend::wakes_at(TimePoint deadline) const noexcept {
  const std::int64_t step = std::max<std::int64_t>(1, profile_.clock_resolution.count());
  if (deadline.ns < 0 || deadline.ns > INT64_MAX - step) return deadline;
  return {(deadline.ns + step - 1) / step * step};
}

void SimBackend::fire(Object& object, Direction direction) noexcept {
  const std::uint32_t slot = object.slot;
  const std::uint32_t generation = object.generation;
  const Fired fired{slot, generation, direction};
  if (profile_.style == Style::readiness) {
    fired_.push_back(fired);
    return;
  }
  // The kernel finishes the operation by itself, a moment later.
  world_.at(world_.now() + Duration{static_cast<std::int64_t>(world_.rng().below(20'000))},
            [this, fired] { retry(fired); });
}

void SimBackend::retry(const Fired& fired) noexcept {
  const Slot& slot = slots_[fired.slot];
  if (!slot.handle || slot.generation != fired.generation) {
    if (profile_.style == Style::readiness) ++counters_.stale_events;
    return;
  }
  Handle& handle = *slot.handle;
  for (Op* op : {fired.direction == Direction::out ? nullptr : handle.in,
                 fired.direction == Direction::in ? nullptr : handle.out}) {
    if (!op || slot_of(*op).has_result) continue;
    check_lent(*op);
    if (attempt(*op)) complete(*op);
  }
}

void SimBackend::complete(Op& op) noexcept {
  slot_of(op).has_result = true;
  // A kernel reports what it has done when it likes: the bytes of a receive can be there, and used, before the word
  // that they came.
  if (op.kind == OpKind::recv_leased && op.bytes > 0 && world_.chance("a receive is reported late", 0.3)) {
    const auto later = static_cast<std::int64_t>(world_.rng().below(500'000));
    world_.at(world_.now() + Duration{later}, [this, &op] { completed_.push_back(&op); });
    return;
  }
  completed_.push_back(&op);
}

bool SimBackend::has_work() const noexcept {
  return !fired_.empty() || !completed_.empty() || woken_.load(std::memory_order_acquire);
}

// True if wait has a reason to return.
bool SimBackend::hand_over(Queue<Op>& ready) noexcept {
  // retry never fires anything of its own reactor twice, but what it does may fire something new.
  for (std::size_t i = 0; i < fired_.size(); ++i) retry(Fired{fired_[i]});
  fired_.clear();
  const bool woken = woken_.exchange(false, std::memory_order_acq_rel);
  if (completed_.empty()) return woken;
  if (world_.chance("completions come in any order", 0.5)) {
    for (std::size_t i = completed_.size(); i > 1; --i) {
      std::swap(completed_[i - 1], completed_[world_.rng().below(i)]);
    }
  }
  for (Op* op : completed_) {
    check_lent(*op);
    Handle& handle = *op->handle;
    (direction_of(op->kind) == Direction::in ? handle.in : handle.out) = nullptr;
    world_.trace(TraceKind::complete, id_, slot_of(*op).serial,
                 static_cast<std::uint64_t>(op->bytes) << 8 | static_cast<std::uint64_t>(op->error.code));
    op->state = OpState::ready;
    --in_flight_;
    ready.push(*op);
  }
  completed_.clear();
  ++world_.activity_;
  return true;
}

void SimBackend::wait(TimePoint deadline, Queue<Op>& ready) noexcept {
  ++counters_.waits;
  const TimePoint until = wakes_at(deadline);
  if (world_.driving_) {
    sleeping_until_ = hand_over(ready) ? TimePoint{} : until;
    return;
  }
  world_.advance_to(world_.now());
  for (;;) {
    if (hand_over(ready) || world_.now() >= until) return;
    const TimePoint next = world_.next_event();
    if (next == TimePoint::max() && until == TimePoint::max()) {
      // Nothing in this world will ever happen: only another thread can end this.
      std::unique_lock lock(waking_);
      was_woken_.wait(lock, [this] { return woken_.load(std::memory_order_acquire); });
      continue;
    }
    world_.advance_to(std::min(next, until));
  }
}

void SimBackend::wake() noexcept {
  const std::lock_guard lock(waking_);
  woken_.store(true, std::memory_order_release);
  was_woken_.notify_one();
}

}  // namespace weir::sim
