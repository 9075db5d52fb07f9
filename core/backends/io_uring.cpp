// io_uring: receives on connections are the kernel's to complete, everything else is tried at once and parked on a
// one-shot poll, as with the other readiness mechanisms; submissions go with the wait, in one system call a turn.
//
// A connection that is received from by lease gets, after its first message, one multishot receive, which stays with
// the kernel. When bytes come, the kernel takes a block that the reactor's pool has lent it, and the block is handed on
// to the op without a copy. An idle connection so costs no block and no system call. What comes while nobody waits is
// kept, in order, up to a bound; then the receive is stopped until it has been taken. The op itself does not lie with
// the kernel: its cancel is done at once. Small sends do: they go with the submission, many in one call, and their
// cancel is a request.
//
// A listener whose owner has room for all that may wait gets one multishot accept. It stays with the kernel for as long
// as somebody accepts; what it has accepted beyond that is kept for the next ones.
//
// A transfer is better off without all this: once whole blocks come, receives and large sends are tried at once, as
// with the other mechanisms, so that one block goes round while it is in the caches.
//
// Owned and called by the reactor's thread, wake() by any. Linux 5.13; multishot receives from 6.0.
#ifdef __linux__

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/backends/io_uring_blocks.hpp"
#include "core/backends/readiness.hpp"
#include "core/backends/registry.hpp"
#include "core/base/intrusive_list.hpp"
#include "core/base/object_pool.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/fallbacks.hpp"
#include "core/platform/linux/uring.hpp"
#include "core/platform/sockets.hpp"

namespace weir {
namespace {

constexpr unsigned entries = 256;                // more are submitted in between
constexpr unsigned completions = 4096;           // more are kept by the kernel
constexpr std::uint32_t most_slices = 1024;      // the kernel's bound
constexpr std::size_t largest_sent = 16 * 1024;  // bytes: sends of more are tried at once

constexpr unsigned in_events = POLLIN | POLLPRI | POLLRDHUP;
constexpr unsigned hang_ups = POLLHUP | POLLERR | POLLRDHUP | POLLPRI | POLLNVAL;

// What a completion is about.
enum class Tag : std::uint64_t { nobody, wake, poll_in, poll_out, receive, send, accept };

constexpr int tag_bits = 3;
constexpr std::uint64_t pack(Tag tag, Token token) noexcept {
  return std::uint64_t{token.generation} << 32 | std::uint64_t{token.slot} << tag_bits |
         static_cast<std::uint64_t>(tag);
}
constexpr Tag tag_of(std::uint64_t data) noexcept { return static_cast<Tag>(data & ((1U << tag_bits) - 1)); }
constexpr Token token_in(std::uint64_t data) noexcept {
  return {static_cast<std::uint32_t>(data) >> tag_bits, static_cast<std::uint32_t>(data >> 32)};
}

constexpr std::uint32_t poll_mask(unsigned events) noexcept {
  return std::endian::native == std::endian::big ? std::rotl(std::uint32_t{events}, 16) : events;
}

bool receives(OpKind kind) noexcept {
  return kind == OpKind::recv || kind == OpKind::recv_leased || kind == OpKind::watch_read;
}

// Bytes that came before anybody asked for them: a block of the pool, or what was saved from a pool that has ended.
struct Kept {
  Kept* next = nullptr;
  char* block;
  std::uint32_t begin = 0;
  std::uint32_t end;
  std::unique_ptr<char[]> saved;

  Kept(char* data, std::uint32_t size) noexcept : block(data), end(size) {}
  const char* data() const noexcept { return (block ? block : saved.get()) + begin; }
};

// What the ring has of one connection, by its slot. An idle one has this, too: it is small.
struct Traffic {
  bool used : 1 = false;      // since the first lease: its bytes come by the ring
  bool armed : 1 = false;     // the receive is with the kernel
  bool stopping : 1 = false;  // and was asked back
  bool ended : 1 = false;     // after what is kept: `error`, or the end of the stream
  bool steady : 1 = false;    // messages come, each smaller than a block: one receive is good for many
  bool bulk : 1 = false;      // whole blocks come
  bool sending : 1 = false;   // the op that sends is with the kernel
  std::uint32_t round = 0;    // of the ring, when the receive was armed; it may come round
  Error error{};
  Queue<Kept> kept;

  bool has_result() noexcept { return !kept.empty() || ended; }
  bool has_enough() noexcept { return !kept.empty() && kept.front()->next != nullptr; }
};
static_assert(sizeof(Traffic) == 32);

// What the ring has of one listener.
struct Arrivals {
  Handle* listener;
  bool armed = false;               // the accept is with the kernel
  bool stopping = false;            // and was asked back
  std::deque<NativeHandle> kept{};  // accepted, and asked for by nobody yet
};

class IoUringBackend final : public ReadinessBackend, BufferBorrower {
 public:
  explicit IoUringBackend(const Capabilities& capabilities) noexcept : ReadinessBackend(capabilities) {}
  ~IoUringBackend() override;

  Error start() noexcept;

  Error attach(Handle& handle) noexcept override;
  void close(Handle& handle) noexcept override;
  Submit submit(Op& op) noexcept override;
  void cancel(Op& op) noexcept override;

 private:
  Error arm(Handle& handle, Interest interest) noexcept override;
  void poll(TimePoint until, FiredList& fired) noexcept override;
  void return_blocks() noexcept override;

  bool usable() noexcept;
  io_uring_sqe* entry() noexcept;
  void cancel_at_kernel(Tag tag, const Handle& handle) noexcept;
  void take(const io_uring_cqe& completion, FiredList& fired) noexcept;
  void polled(Tag tag, Token token, std::int32_t result, FiredList& fired) noexcept;
  void received(Token token, const io_uring_cqe& completion) noexcept;
  void note_received(Handle& handle, Traffic& state, const io_uring_cqe& completion, char* block) noexcept;
  Submit receive(Op& op) noexcept;
  Submit send(Op& op) noexcept;
  Submit accept(Op& op) noexcept;
  void sent(Token token, std::int32_t result, FiredList& fired) noexcept;
  void accepted(Token token, const io_uring_cqe& completion, FiredList& fired) noexcept;

  bool arm_receive(Handle& handle, Traffic& state) noexcept;
  void deliver(Op& op, Traffic& state) noexcept;
  void copy_kept(Op& op, Traffic& state, std::span<char> room) noexcept;
  void drop_first(Traffic& state) noexcept;
  void drop_kept(Traffic& state) noexcept;

  Arrivals* arrivals_of(const Handle& listener) noexcept;
  bool arm_accept(Arrivals& state) noexcept;
  static void hand_out(Arrivals& state, Op& op) noexcept;
  void ask_back(Arrivals& state) noexcept;
  void ask_back_unwanted() noexcept;
  void close_arrivals(Handle& listener) noexcept;

  bool borrow_from(BufferPool& pool) noexcept;
  void feed_starved() noexcept;
  void try_starved() noexcept;

  Handle* attached_handle(Token token) noexcept {
    if (token.slot >= traffic_.size()) return nullptr;
    Handle* handle = handle_at(token.slot);
    return handle != nullptr && handle->generation == token.generation ? handle : nullptr;
  }

  platform::Uring ring_;
  bool multishot_ = false;      // receives: Linux 6.0
  bool accepts_ahead_ = false;  // likewise
  bool wake_armed_ = false;
  std::vector<Traffic> traffic_;  // by slot
  ObjectPool<Kept> kept_;
  std::vector<Arrivals> arrivals_;  // of every listener: a handful
  FiredList late_;                  // found outside poll()

  LentBlocks lent_;
  std::vector<Token> starved_;  // receives that wait for a block, in their order
};

Error IoUringBackend::start() noexcept {
  if (const Error error = platform::Uring::probe()) return error;
  if (const Error error = ring_.open(entries, completions)) return error;
  multishot_ = accepts_ahead_ = !platform::fallbacks_forced() && ring_.receives_multishot();
  return open_wakeup();
}

// What was accepted for a listener that is gone by now is nobody's.
IoUringBackend::~IoUringBackend() {
  return_blocks();
  if (!ring_.enabled()) return;
  io_uring_cqe completion;
  while (ring_.next(completion)) take(completion, late_);
}

Error IoUringBackend::attach(Handle& handle) noexcept {
  if (const Error error = ReadinessBackend::attach(handle)) return error;
  if (handle.slot >= traffic_.size()) traffic_.resize(handle.slot + std::size_t{1});
  if (handle.kind == HandleKind::listener && accepts_ahead_) arrivals_.push_back({&handle});
  return {};
}

// A request with the kernel holds the connection open: the cancels go with the next submission, which is this turn's.
void IoUringBackend::close(Handle& handle) noexcept {
  if (handle.slot != Handle::no_slot) {
    Traffic& state = traffic_[handle.slot];
    if (state.armed) {
      // Not submitted yet, it would find whoever has the descriptor's number by then, and take his bytes.
      if (state.round == static_cast<std::uint32_t>(ring_.round()) && !failure()) {
        if (const Error error = ring_.submit()) fail(error);
      }
      cancel_at_kernel(Tag::receive, handle);
    }
    drop_kept(state);
    if (handle.kind == HandleKind::listener) close_arrivals(handle);
    state.used = state.armed = state.stopping = state.ended = state.steady = state.bulk = false;
  }
  ReadinessBackend::close(handle);
}

// The ring belongs to the thread that uses it first.
bool IoUringBackend::usable() noexcept {
  if (!failure() && !ring_.enabled()) {
    if (const Error error = ring_.enable()) fail(error);
  }
  return !failure();
}

io_uring_sqe* IoUringBackend::entry() noexcept {
  io_uring_sqe* made = usable() ? ring_.entry() : nullptr;
  if (!made && !failure()) fail(platform::last_error());
  return made;
}

void IoUringBackend::cancel_at_kernel(Tag tag, const Handle& handle) noexcept {
  io_uring_sqe* cancel = entry();
  if (!cancel) return;
  cancel->opcode = IORING_OP_ASYNC_CANCEL;
  cancel->fd = -1;
  cancel->addr = pack(tag, token_of(handle));
  cancel->user_data = pack(Tag::nobody, {0, 0});
}

// --- readiness ---

Error IoUringBackend::arm(Handle& handle, Interest interest) noexcept {
  if (interest == Interest::none) {
    if ((handle.armed & bits(Interest::read)) != 0) cancel_at_kernel(Tag::poll_in, handle);
    if ((handle.armed & bits(Interest::write)) != 0) cancel_at_kernel(Tag::poll_out, handle);
    handle.armed = 0;
    return {};
  }
  io_uring_sqe* poll = entry();
  if (!poll) return failure();
  poll->opcode = IORING_OP_POLL_ADD;
  poll->fd = static_cast<int>(handle.native);
  poll->poll32_events = poll_mask(interest == Interest::read ? in_events : unsigned{POLLOUT});
  poll->user_data = pack(interest == Interest::read ? Tag::poll_in : Tag::poll_out, token_of(handle));
  handle.armed |= bits(interest);
  return {};
}

void IoUringBackend::poll(TimePoint until, FiredList& fired) noexcept {
  if (!wake_armed_) {
    io_uring_sqe* wake = entry();
    if (!wake) return;
    wake->opcode = IORING_OP_POLL_ADD;
    wake->fd = static_cast<int>(wake_descriptor());
    wake->poll32_events = poll_mask(POLLIN);
    wake->user_data = pack(Tag::wake, {0, 0});
    wake_armed_ = true;
  }
  lent_.refill();
  feed_starved();
  ask_back_unwanted();
  const bool forever = until == TimePoint::max() && late_.empty();
  const Duration time = late_.empty() ? time_until(until) : Duration{};
  if (const Error error = ring_.enter(time, forever)) return fail(error);
  fired.swap(late_);
  late_.clear();
  io_uring_cqe completion;
  while (ring_.next(completion)) take(completion, fired);  // all of them: they hold blocks
}

void IoUringBackend::take(const io_uring_cqe& completion, FiredList& fired) noexcept {
  const Token token = token_in(completion.user_data);
  switch (const Tag tag = tag_of(completion.user_data)) {
    case Tag::nobody: break;
    case Tag::wake:
      wake_armed_ = false;
      fired.push_back({wake_token, true, false, false});
      break;
    case Tag::poll_in:
    case Tag::poll_out: polled(tag, token, completion.res, fired); break;
    case Tag::receive: received(token, completion); break;
    case Tag::send: sent(token, completion.res, fired); break;
    case Tag::accept: accepted(token, completion, fired); break;
  }
}

void IoUringBackend::polled(Tag tag, Token token, std::int32_t result, FiredList& fired) noexcept {
  if (result == -ECANCELED) return;
  Handle* handle = attached_handle(token);
  if (!handle) return note_stale_event();
  const bool in = tag == Tag::poll_in;
  handle->armed &= static_cast<std::uint8_t>(~bits(in ? Interest::read : Interest::write));
  bool hung_up = result < 0 || (static_cast<unsigned>(result) & hang_ups) != 0;
  Traffic& state = traffic_[token.slot];
  // The ring has the word: a receive beside it would get ahead of bytes that are under way.
  const bool by_ring = state.armed || state.has_result();
  if (hung_up) handle->hung_up = true;
  fired.push_back({token, (in || hung_up) && !by_ring, (!in || hung_up) && !state.sending, false});
}

// --- receiving ---

Submit IoUringBackend::submit(Op& op) noexcept {
  if (op.handle->kind == HandleKind::stream_socket) {
    if (op.kind == OpKind::send) return send(op);
    if (receives(op.kind)) return receive(op);
  }
  if (op.kind == OpKind::accept) return accept(op);
  return ReadinessBackend::submit(op);
}

Submit IoUringBackend::receive(Op& op) noexcept {
  Handle& handle = *op.handle;
  Traffic& state = traffic_[handle.slot];
  if (op.kind == OpKind::recv_leased && borrow_from(*op.lease.pool)) state.used = true;
  if (!state.used) return ReadinessBackend::submit(op);
  WEIR_VERIFY(handle.in == nullptr);
  op.state = OpState::idle;
  if (state.has_result()) {
    deliver(op, state);
    return Submit::done;
  }
  if (!state.armed) {
    if (state.bulk && handle.maybe_readable && attempt(op)) return Submit::done;
    if (!arm_receive(handle, state)) return ReadinessBackend::submit(op);
  }
  handle.in = &op;
  op.state = OpState::in_flight;
  return Submit::pending;
}

// False: there is no block to receive into; the op then takes its own, or fails for want of one.
bool IoUringBackend::arm_receive(Handle& handle, Traffic& state) noexcept {
  if (lent_.offered() == 0) return false;
  io_uring_sqe* receive = entry();
  if (!receive) return false;
  receive->opcode = IORING_OP_RECV;
  receive->fd = static_cast<int>(handle.native);
  receive->ioprio = state.steady ? IORING_RECV_MULTISHOT : 0;
  receive->flags = IOSQE_BUFFER_SELECT;
  receive->buf_group = LentBlocks::group;
  receive->user_data = pack(Tag::receive, token_of(handle));
  state.armed = true;
  state.stopping = false;
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
    if (!handle || handle->in == nullptr || traffic_[handle->slot].armed) continue;
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
    } else if (!state.armed && (completion.res == -ENOBUFS || !arm_receive(*handle, state))) {
      starved_.push_back(token);
    }
  }
  if (state.armed && !state.stopping && (state.bulk || state.has_enough())) {
    state.stopping = true;
    cancel_at_kernel(Tag::receive, *handle);
  }
}

void IoUringBackend::note_received(Handle& handle, Traffic& state, const io_uring_cqe& completion,
                                   char* block) noexcept {
  if ((completion.flags & IORING_CQE_F_MORE) == 0) state.armed = false;
  if (completion.res > 0) {
    const auto size = static_cast<std::size_t>(completion.res);
    state.kept.push(*kept_.make(block, static_cast<std::uint32_t>(size)));
    const std::size_t whole = lent_.pool()->block_size();
    if (size == whole) state.bulk = handle.maybe_readable = true;
    if (size < whole / 4) state.bulk = false;
    state.steady = !state.bulk;
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

void IoUringBackend::drop_kept(Traffic& state) noexcept {
  while (!state.kept.empty()) drop_first(state);
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

// --- accepting ---

Arrivals* IoUringBackend::arrivals_of(const Handle& listener) noexcept {
  const auto found = std::ranges::find(arrivals_, &listener, &Arrivals::listener);
  return found == arrivals_.end() ? nullptr : &*found;
}

Submit IoUringBackend::accept(Op& op) noexcept {
  Handle& listener = *op.handle;
  Arrivals* state = arrivals_of(listener);
  if (!state) return ReadinessBackend::submit(op);
  WEIR_VERIFY(listener.in == nullptr);
  op.state = OpState::idle;
  if (!state->kept.empty()) {
    hand_out(*state, op);
    return Submit::done;
  }
  if (state->armed && !op.accept.ahead) ask_back(*state);
  if (!state->armed && !(op.accept.ahead && arm_accept(*state))) return ReadinessBackend::submit(op);
  listener.in = &op;
  op.state = OpState::in_flight;
  return Submit::pending;
}

// One that has been reset meanwhile has no peer any more; its first receive tells.
void IoUringBackend::hand_out(Arrivals& state, Op& op) noexcept {
  Handle& accepted = *op.accept.accepted;
  accepted.take(state.kept.front());
  state.kept.pop_front();
  if (op.accept.peer != nullptr) *op.accept.peer = platform::peer_address(accepted).value_or(Address{});
}

bool IoUringBackend::arm_accept(Arrivals& state) noexcept {
  io_uring_sqe* accept = accepts_ahead_ ? entry() : nullptr;
  if (!accept) return false;
  accept->opcode = IORING_OP_ACCEPT;
  accept->fd = static_cast<int>(state.listener->native);
  accept->ioprio = IORING_ACCEPT_MULTISHOT;
  accept->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  accept->user_data = pack(Tag::accept, token_of(*state.listener));
  state.armed = true;
  state.stopping = false;
  return true;
}

void IoUringBackend::ask_back(Arrivals& state) noexcept {
  if (!std::exchange(state.stopping, true)) cancel_at_kernel(Tag::accept, *state.listener);
}

// Nobody accepts at the moment: whoever comes now waits in the backlog.
void IoUringBackend::ask_back_unwanted() noexcept {
  for (Arrivals& state : arrivals_) {
    if (state.armed && state.listener->in == nullptr) ask_back(state);
  }
}

void IoUringBackend::accepted(Token token, const io_uring_cqe& completion, FiredList& fired) noexcept {
  Handle* listener = attached_handle(token);
  if (!listener) {
    if (completion.res >= 0) ::close(completion.res);
    return note_stale_event();
  }
  Arrivals& state = *arrivals_of(*listener);
  if ((completion.flags & IORING_CQE_F_MORE) == 0) state.armed = false;
  if (completion.res >= 0) state.kept.push_back(completion.res);
  if (completion.res == -EINVAL) accepts_ahead_ = false;
  Op* op = listener->in;
  if (op == nullptr || (state.kept.empty() && state.armed)) return;
  if (!state.kept.empty()) {
    hand_out(state, *op);
  } else if (!attempt(*op)) {  // an error, or it was asked back: once more, without the ring
    if (op->state != OpState::cancelling) return fired.push_back({token, true, false, false});
    op->error = Errc::cancelled;
  }
  listener->in = nullptr;
  end(*op);
}

// The kernel's accept holds the listener open, and would go on: it ends here.
void IoUringBackend::close_arrivals(Handle& listener) noexcept {
  Arrivals* state = arrivals_of(listener);
  if (!state) return;
  if (state->armed) {
    ask_back(*state);
    if (!failure()) {
      if (const Error error = ring_.submit()) fail(error);
    }
  }
  for (const NativeHandle accepted : state->kept) ::close(static_cast<int>(accepted));
  arrivals_.erase(arrivals_.begin() + (state - arrivals_.data()));
}

// --- cancelling ---

void IoUringBackend::cancel(Op& op) noexcept {
  if (op.kind == OpKind::accept) {
    Arrivals* state = arrivals_of(*op.handle);
    if (state && state->armed) {
      ask_system();
      return ask_back(*state);
    }
  }
  if (direction_of(op.kind) == Direction::out && op.handle->slot < traffic_.size() &&
      traffic_[op.handle->slot].sending) {
    ask_system();
    return cancel_at_kernel(Tag::send, *op.handle);
  }
  ReadinessBackend::cancel(op);
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

// The pool ends, or this backend does. Bytes that nobody has taken yet outlive it.
void IoUringBackend::return_blocks() noexcept {
  if (!lent_.pool()) return;
  lent_.close();
  io_uring_cqe completion;
  while (ring_.next(completion)) take(completion, late_);
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

}  // namespace

Result<std::unique_ptr<Backend>> make_io_uring_backend() noexcept {
  const Platform platform{Os::linux_os, 0, BackendKind::io_uring};
  auto backend = std::make_unique<IoUringBackend>(Capabilities{"io_uring", platform, 0, Duration{1}});
  if (const Error error = backend->start()) return std::unexpected(error);
  return backend;
}

std::string explain_io_uring(const Error& error) { return platform::Uring::explain(error); }

}  // namespace weir

#endif
