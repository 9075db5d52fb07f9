#include <algorithm>
#include <cstring>
#include <new>

#include "core/base/assert.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_network.hpp"
#include "tests/sim/backend/sim_slot.hpp"

namespace weir::sim {
namespace {

bool fits(OpKind op, HandleKind handle) noexcept {
  switch (op) {
    case OpKind::accept: return handle == HandleKind::listener || handle == HandleKind::pipe_listener;
    case OpKind::connect:
    case OpKind::recv:
    case OpKind::recv_leased:
    case OpKind::send: return handle == HandleKind::stream_socket || handle == HandleKind::pipe_stream;
    case OpKind::read:
    case OpKind::write: return handle == HandleKind::pipe || handle == HandleKind::char_device;
    case OpKind::watch_read:
    case OpKind::watch_write:
      return handle != HandleKind::listener && handle != HandleKind::pipe_listener &&
             handle != HandleKind::regular_file;
    case OpKind::wait_child: return handle == HandleKind::child;
  }
  return false;
}

}  // namespace

// Everything a caller can do wrong at submit. The engine is wrong if one of these fires, never the network.
void SimBackend::check_misuse(const Op& op) const noexcept {
  WEIR_VERIFY(op.handle != nullptr);
  WEIR_VERIFY(op.next == nullptr);
  WEIR_VERIFY(op.state == OpState::in_flight || op.state == OpState::idle);
  const Handle& handle = *op.handle;
  WEIR_VERIFY(handle.is_open());
  WEIR_VERIFY(handle.slot < slots_.size());
  WEIR_VERIFY(slots_[handle.slot].handle == &handle);
  WEIR_VERIFY(slots_[handle.slot].generation == handle.generation);
  WEIR_VERIFY((direction_of(op.kind) == Direction::in ? handle.in : handle.out) == nullptr);
  WEIR_VERIFY(fits(op.kind, handle.kind));
  switch (op.kind) {
    case OpKind::recv:
    case OpKind::read: WEIR_VERIFY(op.memory.data != nullptr && op.memory.size > 0); break;
    case OpKind::recv_leased: WEIR_VERIFY(op.lease.into != nullptr && op.lease.pool != nullptr); break;
    case OpKind::send:
    case OpKind::write: {
      std::size_t total = 0;
      for (std::uint32_t i = 0; i < op.slices.count; ++i) total += op.slices.slices[i].size;
      WEIR_VERIFY(total > 0);
      break;
    }
    case OpKind::accept: WEIR_VERIFY(op.accept.accepted != nullptr && !op.accept.accepted->is_open()); break;
    case OpKind::connect: WEIR_VERIFY(op.connect.to != nullptr); break;
    case OpKind::wait_child: WEIR_VERIFY(op.child.status != nullptr); break;
    default: break;
  }
}

Error SimBackend::refusal(const Op& op) const noexcept {
  const HandleKind kind = op.handle->kind;
  Ruling allowed;
  switch (op.kind) {
    case OpKind::watch_read:
    case OpKind::watch_write:
      allowed = capabilities_[kind == HandleKind::pipe || kind == HandleKind::pipe_stream ? Feature::watch_pipe
                                                                                          : Feature::watch_descriptor];
      break;
    case OpKind::connect: allowed = capabilities_[feature_of(op.connect.to->family)]; break;
    default: break;
  }
  return allowed.allowed ? Error{} : refused(allowed.rule);
}

Submit SimBackend::submit(Op& op) noexcept {
  check_misuse(op);
  ++world_.activity_;
  op.state = OpState::in_flight;
  op.bytes = 0;
  op.error = refusal(op);
  SlotData* slot = ::new (static_cast<void*>(op.slot)) SlotData{};
  slot->self = &op;
  slot->handle = op.handle;
  slot->kind = op.kind;
  slot->serial = next_serial_++;
  world_.trace(TraceKind::submit, id_, static_cast<std::uint64_t>(op.handle->native),
               static_cast<std::uint64_t>(op.kind));

  const bool at_once = profile_.style == Style::readiness && !world_.chance("submit is never done at once", 0.3);
  if (op.error || (at_once && attempt(op))) {
    world_.trace(TraceKind::done, id_, slot->serial,
                 static_cast<std::uint64_t>(op.bytes) << 8 | static_cast<std::uint64_t>(op.error.code));
    slot->magic = 0;
    op.state = OpState::idle;
    return Submit::done;
  }
  (direction_of(op.kind) == Direction::in ? op.handle->in : op.handle->out) = &op;
  ++in_flight_;
  if (!at_once) {
    // Memory that is lent is the kernel's: anything still kept there is lost.
    if (op.kind == OpKind::recv || op.kind == OpKind::read) {
      std::memset(op.memory.data, 0xA5, std::min<std::size_t>(op.memory.size, 4096));
    }
    fire(object_of(*op.handle), direction_of(op.kind));
  }
  return Submit::pending;
}

void SimBackend::cancel(Op& op) noexcept {
  check_lent(op);
  WEIR_VERIFY((direction_of(op.kind) == Direction::in ? op.handle->in : op.handle->out) == &op);
  ++world_.activity_;
  world_.trace(TraceKind::cancel, id_, slot_of(op).serial);
  if (slot_of(op).has_result) return;
  // A connection that waits is not lost by it, as on every other backend.
  const bool too_late = world_.chance("cancel comes too late", 0.5) || op.kind == OpKind::accept;
  if (too_late && attempt(op)) return complete(op);
  op.bytes = 0;
  op.error = Errc::cancelled;
  complete(op);
}

// --- trying an operation: true when its result is in ---

bool SimBackend::attempt(Op& op) noexcept {
  switch (op.kind) {
    case OpKind::accept: return attempt_accept(op);
    case OpKind::connect: return attempt_connect(op);
    case OpKind::recv:
    case OpKind::recv_leased:
    case OpKind::read: return attempt_receive(op);
    case OpKind::send:
    case OpKind::write: return attempt_send(op);
    case OpKind::watch_read:
    case OpKind::watch_write: return attempt_watch(op);
    case OpKind::wait_child: return attempt_wait_child(op);
  }
  return false;
}

bool SimBackend::attempt_accept(Op& op) noexcept {
  Object& listener = object_of(*op.handle);
  SimNetwork& network = world_.network();
  if (listener.backlog.empty()) return false;
  const auto failed = [&](Errc error) {
    op.error = error;
    return true;
  };
  Rng& rng = world_.rng();
  if (rng.chance(listener.backlog.front()->plan.accept_failure)) {
    switch (rng.below(3)) {
      case 0: return failed(Errc::descriptor_limit);
      case 1: return failed(Errc::out_of_memory);
      default: break;
    }
    Object& lost = network.add(ObjectKind::stream, *this);
    network.establish(lost, network.take_pending(listener), 1);
    lost.abort = true;
    network.remove(lost);
    return failed(Errc::connection_aborted);
  }
  if (out_of_descriptors()) return failed(Errc::descriptor_limit);
  const ConnectionPtr connection = network.take_pending(listener);
  Object& object = network.add(ObjectKind::stream, *this);
  object.family = listener.family;
  network.establish(object, connection, 1);
  ++open_handles_;
  take(*op.accept.accepted, object);
  if (op.accept.peer) *op.accept.peer = connection->address[0];
  world_.trace(TraceKind::note, id_, connection->id);
  return true;
}

bool SimBackend::attempt_connect(Op& op) noexcept {
  Object& object = object_of(*op.handle);
  if (object.state == Object::State::fresh) {
    world_.network().connect(object, *op.connect.to);
    return false;
  }
  if (object.state == Object::State::connecting) return false;
  WEIR_VERIFY(object.state != Object::State::connected || !object.connect_taken);
  object.connect_taken = true;
  op.error = object.connect_error;
  return true;
}

bool SimBackend::attempt_receive(Op& op) noexcept {
  Object& object = object_of(*op.handle);
  SimNetwork& network = world_.network();
  if (object.state != Object::State::connected) {
    op.error = Errc::not_connected;
    return true;
  }
  char* into = op.memory.data;
  std::size_t size = op.memory.size;
  if (op.kind == OpKind::recv_leased) {
    if (!network.readable(object)) return false;
    Buffer& buffer = *op.lease.into;
    const bool bytes_there = object.incoming().readable() > 0;
    into = nullptr;
    size = 0;
    if (bytes_there) {
      if (!buffer) buffer = op.lease.pool->take();
      if (!buffer) {
        op.error = Errc::out_of_memory;
        return true;
      }
      into = buffer.room().data();
      size = buffer.room().size();
      WEIR_VERIFY(size > 0);
    }
  }
  const SimNetwork::IoResult result = network.read(object, into, size);
  if (result.what == SimNetwork::Io::would_block) return false;
  op.bytes = static_cast<std::uint32_t>(result.bytes);
  op.error = result.error;
  if (op.kind == OpKind::recv_leased && result.bytes > 0) op.lease.into->commit(result.bytes);
  return true;
}

bool SimBackend::attempt_send(Op& op) noexcept {
  Object& object = object_of(*op.handle);
  if (object.state != Object::State::connected) {
    op.error = Errc::not_connected;
    return true;
  }
  const SimNetwork::IoResult result = world_.network().write(object, op.slices.slices, op.slices.count);
  if (result.what == SimNetwork::Io::would_block) return false;
  op.bytes = static_cast<std::uint32_t>(result.bytes);
  op.error = result.error;
  return true;
}

bool SimBackend::attempt_watch(Op& op) noexcept {
  Object& object = object_of(*op.handle);
  return op.kind == OpKind::watch_read ? world_.network().readable(object) : world_.network().writable(object);
}

// --- things to adopt ---

SimBackend::Pair SimBackend::make_pair_of(ObjectKind first_kind, ObjectKind second_kind) {
  Object& first = world_.network().add(first_kind, *this);
  Object& second = world_.network().add(second_kind, *this);
  world_.network().join_pair(first, second);
  open_handles_ += 2;
  return {first.native, second.native};
}

SimBackend::Pair SimBackend::make_pipe(bool overlapped) {
  const Pair pair = make_pair_of(ObjectKind::pipe, ObjectKind::pipe);
  world_.network().get(pair.first).overlapped = world_.network().get(pair.second).overlapped = overlapped;
  return pair;
}

SimBackend::Pair SimBackend::make_socket_pair() { return make_pair_of(ObjectKind::stream, ObjectKind::stream); }
SimBackend::Pair SimBackend::make_char_device() { return make_pair_of(ObjectKind::char_device, ObjectKind::stream); }
SimBackend::Pair SimBackend::make_foreign() { return make_pair_of(ObjectKind::foreign, ObjectKind::stream); }

NativeHandle SimBackend::make_regular_file() {
  ++open_handles_;
  return world_.network().add(ObjectKind::regular_file, *this).native;
}

void SimBackend::discard(NativeHandle native) {
  Object& object = world_.network().get(native);
  WEIR_VERIFY(!object.taken);
  --object.owner->open_handles_;
  world_.network().remove(object);
}

}  // namespace weir::sim
