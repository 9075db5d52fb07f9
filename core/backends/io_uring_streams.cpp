// Connections: receives into blocks that lie with the kernel, and small sends.
//
// The mode of a connection follows what its last message was like, and says how the next receive is made:
//
//   mode    entered by                               an op that finds nothing kept
//   direct  attach                                   goes to the readiness base: tried, then parked on a one-shot poll
//   first   the first lease of a lent block          waits for a receive of one message
//   steady  a message smaller than a block;          waits for the multishot receive
//           from bulk, one below a quarter of it
//   bulk    a message that fills a block             is tried at once if bytes may be there, then waits for a receive
//                                                    of one message
//
// The request with the kernel:
//
//   none       an op waits, and a block is there: once or multishot, by the mode. No block: the op is starved, and is
//              armed when the pool has one again
//   once       its one completion: none
//   multishot  bytes come and more may follow: multishot. Its last completion (no block, end, error): none.
//              Whole blocks come, or two messages are kept that nobody has asked for: stopping
//   stopping   bytes may still come: kept. Its last completion: none, and an op that waits arms the next
//
// close() in any of them cancels the request and forgets it: completions that follow find another generation.

#include "core/backends/io_uring.hpp"

#ifdef __linux__

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/platform/errors.hpp"

namespace weir::uring {
namespace {

constexpr std::uint32_t most_slices = 1024;      // the kernel's bound
constexpr std::size_t largest_sent = 16 * 1024;  // bytes: sends of more are tried at once

}  // namespace

// --- receiving ---

Submit IoUringBackend::receive(Op& op) noexcept {
  Handle& handle = *op.handle;
  Traffic& state = traffic_[handle.slot];
  const bool borrowed = op.kind == OpKind::recv_leased && borrow_from(*op.lease.pool);
  if (state.mode == ReceiveMode::direct) {
    if (!borrowed) return ReadinessBackend::submit(op);
    state.mode = ReceiveMode::first;
  }
  WEIR_VERIFY(handle.in == nullptr);
  op.state = OpState::idle;
  if (state.has_result()) {
    deliver(op, state);
    return Submit::done;
  }
  if (!state.armed()) {
    if (state.mode == ReceiveMode::bulk && handle.maybe_readable && attempt(op)) return Submit::done;
    if (!arm_receive(handle, state)) return ReadinessBackend::submit(op);
  }
  handle.in = &op;
  op.state = OpState::in_flight;
  return Submit::pending;
}

// False: there is no block to receive into; the op then takes its own, or fails without one.
bool IoUringBackend::arm_receive(Handle& handle, Traffic& state) noexcept {
  if (lent_.offered() == 0) return false;
  io_uring_sqe* receive = entry();
  if (!receive) return false;
  receive->opcode = IORING_OP_RECV;
  receive->fd = static_cast<int>(handle.native);
  const bool multishot = state.mode == ReceiveMode::steady;
  receive->ioprio = multishot ? IORING_RECV_MULTISHOT : 0;
  receive->flags = IOSQE_BUFFER_SELECT;
  receive->buf_group = LentBlocks::group;
  receive->user_data = pack(Tag::receive, token_of(handle));
  state.request = multishot ? Request::multishot : Request::once;
  state.round = static_cast<std::uint32_t>(ring_.round());
  return true;
}

// Receives that found no block are tried again, but not all at once: they would find none again. Where the pool has no
// more, each asks it itself, and is told.
void IoUringBackend::feed_starved() noexcept {
  if (starved_.empty()) return;
  if (lent_.offered() == 0) return try_starved();
  const std::size_t at_once = (lent_.offered() + 1) / 2;
  std::size_t fed = 0;
  for (std::size_t armed = 0; fed < starved_.size() && armed < at_once; ++fed) {
    Handle* handle = attached_handle(starved_[fed]);
    if (!handle || handle->in == nullptr || traffic_[handle->slot].armed()) continue;
    if (!arm_receive(*handle, traffic_[handle->slot])) break;
    ++armed;
  }
  starved_.erase(starved_.begin(), starved_.begin() + static_cast<std::ptrdiff_t>(fed));
}

void IoUringBackend::try_starved() noexcept {
  for (const Token token : starved_) late_.push_back({token, true, false, false});
  starved_.clear();
}

void IoUringBackend::received(Token token, const io_uring_cqe& completion) noexcept {
  char* block = lent_.used(completion);
  Handle* handle = attached_handle(token);
  if (!handle) {
    if (block) lent_.pool()->take_back(block);
    return note_stale_event();
  }
  Traffic& state = traffic_[token.slot];
  note_received(*handle, state, completion, block);
  Op* op = handle->in;
  if (op != nullptr && receives(op->kind)) {
    if (state.has_result()) {
      handle->in = nullptr;
      deliver(*op, state);
      end(*op);
    } else if (!state.armed() && (completion.res == -ENOBUFS || !arm_receive(*handle, state))) {
      starved_.push_back(token);
    }
  }
  if (state.mode == ReceiveMode::bulk || state.has_enough()) cancel_multishot(Tag::receive, *handle);
}

void IoUringBackend::note_received(Handle& handle, Traffic& state, const io_uring_cqe& completion,
                                   char* block) noexcept {
  if ((completion.flags & IORING_CQE_F_MORE) == 0) state.request = Request::none;
  if (completion.res > 0) {
    const auto size = static_cast<std::size_t>(completion.res);
    state.kept.push(*kept_.make(block, static_cast<std::uint32_t>(size)));
    const std::size_t whole = lent_.pool()->block_size();
    if (size == whole) {
      state.mode = ReceiveMode::bulk;
      handle.maybe_readable = true;
    } else if (state.mode != ReceiveMode::bulk || size < whole / 4) {
      state.mode = ReceiveMode::steady;
    }
    return;
  }
  if (block) lent_.pool()->take_back(block);
  if (completion.res == -ENOBUFS) lent_.note_shortage();
  if (completion.res == -ENOBUFS || completion.res == -ECANCELED) return;  // to be armed again
  state.ended = true;
  state.error = completion.res == 0 ? Error{} : platform::error_from(-completion.res);
}

void IoUringBackend::deliver(Op& op, Traffic& state) noexcept {
  if (op.kind == OpKind::watch_read) return;
  if (state.kept.empty()) {
    op.error = state.error;
    state.ended = false;  // told once; the kernel repeats it if asked again
    return;
  }
  if (op.kind == OpKind::recv) return copy_kept(op, state, {op.memory.data, op.memory.size});
  Buffer& into = *op.lease.into;
  Kept& first = *state.kept.front();
  if (into.empty() && first.begin == 0 && first.block && op.lease.pool == lent_.pool()) {
    op.bytes = first.end;
    into = lent_.pool()->reclaim(first.block, first.end);
    return kept_.destroy(state.kept.pop());
  }
  if (!into) into = op.lease.pool->take();
  if (!into) {
    op.error = Errc::out_of_memory;
    return;
  }
  copy_kept(op, state, into.room());
  into.commit(op.bytes);
}

void IoUringBackend::copy_kept(Op& op, Traffic& state, std::span<char> room) noexcept {
  if (room.empty()) op.error = Errc::bad_argument;
  while (!room.empty() && !state.kept.empty()) {
    Kept& first = *state.kept.front();
    const std::size_t size = std::min<std::size_t>(room.size(), first.end - first.begin);
    std::memcpy(room.data(), first.data(), size);
    room = room.subspan(size);
    first.begin += static_cast<std::uint32_t>(size);
    op.bytes += static_cast<std::uint32_t>(size);
    if (first.begin < first.end) break;
    drop_first(state);
  }
}

void IoUringBackend::drop_first(Traffic& state) noexcept {
  Kept* first = state.kept.pop();
  if (first->block) lent_.pool()->take_back(first->block);
  kept_.destroy(first);
}

// A request with the kernel holds the connection open: the cancel goes with the next submission, which is this turn's.
void IoUringBackend::close_traffic(Handle& stream) noexcept {
  Traffic& state = traffic_[stream.slot];
  if (state.armed()) {
    // Not submitted yet, it would run on whichever connection reused this descriptor, and steal its bytes.
    if (state.round == static_cast<std::uint32_t>(ring_.round())) submit_now();
    cancel_at_kernel(Tag::receive, stream);
  }
  while (!state.kept.empty()) drop_first(state);
  state = {};
}

// --- sending ---

Submit IoUringBackend::send(Op& op) noexcept {
  std::size_t size = 0;
  for (std::uint32_t i = 0; i < op.slices.count; ++i) size += op.slices.slices[i].size;
  io_uring_sqe* send = size <= largest_sent && op.slices.count <= most_slices ? entry() : nullptr;
  if (!send) return ReadinessBackend::submit(op);
  Handle& handle = *op.handle;
  WEIR_VERIFY(handle.out == nullptr);
  send->fd = static_cast<int>(handle.native);
  send->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
  send->user_data = pack(Tag::send, token_of(handle));
  if (op.slices.count == 1) {
    send->opcode = IORING_OP_SEND;
    send->addr = reinterpret_cast<std::uintptr_t>(op.slices.slices->data);
    send->len = static_cast<std::uint32_t>(size);
  } else {
    static_assert(sizeof(msghdr) <= sizeof op.slot);
    auto* message = ::new (static_cast<void*>(op.slot)) msghdr{};
    message->msg_iov = reinterpret_cast<iovec*>(const_cast<IoSlice*>(op.slices.slices));
    message->msg_iovlen = op.slices.count;
    send->opcode = IORING_OP_SENDMSG;
    send->addr = reinterpret_cast<std::uintptr_t>(message);
    send->len = 1;
  }
  traffic_[handle.slot].sending = true;
  handle.out = &op;
  op.state = OpState::in_flight;
  return Submit::pending;
}

void IoUringBackend::sent(Token token, std::int32_t result, FiredList& fired) noexcept {
  Handle* handle = attached_handle(token);
  if (!handle || handle->out == nullptr) return note_stale_event();  // ended with the backend
  traffic_[token.slot].sending = false;
  Op& op = *handle->out;
  if (result == -EAGAIN && op.state != OpState::cancelling) return fired.push_back({token, false, true, false});
  if (result >= 0) {
    op.bytes = static_cast<std::uint32_t>(result);
  } else {
    op.error = result == -ECANCELED || result == -EAGAIN ? Error(Errc::cancelled) : platform::error_from(-result);
  }
  handle->out = nullptr;
  end(op);
}

bool IoUringBackend::cancel_send(Op& op) noexcept {
  if (!traffic_[op.handle->slot].sending) return false;
  cancel_at_kernel(Tag::send, *op.handle);
  return true;
}

// --- blocks that are with the kernel ---

// False: this pool's blocks cannot be lent, receives go without the ring.
bool IoUringBackend::borrow_from(BufferPool& pool) noexcept {
  if (lent_.pool() == &pool) return true;
  if (lent_.pool() || !multishot_ || !pool.lend_to(*this)) return false;
  if (!usable() || lent_.open(ring_, pool)) {
    pool.lend_to_nobody();
    multishot_ = false;  // Linux 5.18 and earlier
    return false;
  }
  return true;
}

// The pool ends, or this backend does. Unclaimed bytes outlive it.
void IoUringBackend::return_blocks() noexcept {
  if (!lent_.pool()) return;
  lent_.close();
  take_all(late_);
  for (Traffic& state : traffic_) {
    for (Kept* kept = state.kept.front(); kept != nullptr; kept = kept->next) {
      if (!kept->block) continue;
      kept->saved = std::make_unique<char[]>(kept->end);
      std::memcpy(kept->saved.get(), kept->block, kept->end);
      lent_.pool()->take_back(std::exchange(kept->block, nullptr));
    }
  }
  lent_.take_back();
  try_starved();
}

}  // namespace weir::uring

#endif
