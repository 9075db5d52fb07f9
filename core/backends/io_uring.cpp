// io_uring: receives on connections are the kernel's to complete, everything else is tried at once and parked on a
// one-shot poll, as with the other readiness mechanisms; submissions go with the wait, in one system call a turn.
//
// A connection that is received from by lease gets one multishot receive, which stays with the kernel. When bytes come,
// the kernel takes a block that the reactor's pool has lent it, and the block is handed on to the op without a copy. An
// idle connection so costs no block and no system call. What comes while nobody waits is kept, in order, up to a bound;
// then the receive is stopped until it has been taken. Ops never lie with the kernel: a cancel is done at once.
// Owned and called by the reactor's thread, wake() by any. Linux 5.13; multishot receives from 6.0.
#ifdef __linux__

#include <poll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/backends/readiness.hpp"
#include "core/backends/registry.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/fallbacks.hpp"
#include "core/platform/linux/uring.hpp"

namespace weir {
namespace {

constexpr unsigned entries = 256;       // more are submitted in between
constexpr unsigned completions = 4096;  // more are kept by the kernel
constexpr unsigned blocks = 64;         // lent to the kernel; a power of two
constexpr std::uint16_t group = 0;
constexpr std::size_t most_kept = 2;    // blocks received ahead; the kernel may add what it has at hand
constexpr std::size_t batch = 64;       // completions looked at by one poll: see dispatch_batch of the base

constexpr unsigned in_events = POLLIN | POLLPRI | POLLRDHUP;
constexpr unsigned hang_ups = POLLHUP | POLLERR | POLLRDHUP | POLLPRI | POLLNVAL;

// What a completion is about.
enum class Tag : std::uint64_t { nobody, wake, poll_in, poll_out, receive };

constexpr int tag_bits = 3;
constexpr std::uint64_t pack(Tag tag, Token token) noexcept {
  return std::uint64_t{token.generation} << 32 | std::uint64_t{token.slot} << tag_bits | static_cast<std::uint64_t>(tag);
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
  char* block;
  std::unique_ptr<char[]> saved;
  std::uint32_t begin;
  std::uint32_t end;
};

// The receiving side of one connection, by its slot.
struct Receiving {
  bool used = false;      // since the first lease: its bytes come by the ring
  bool armed = false;     // the receive is with the kernel
  bool stopping = false;  // and was asked back
  bool ended = false;     // after what is kept: `error`, or the end of the stream
  Error error{};
  std::uint64_t round = 0;  // when it was armed
  std::vector<Kept> kept;

  bool has_result() const noexcept { return !kept.empty() || ended; }
};

class IoUringBackend final : public ReadinessBackend, BufferBorrower {
 public:
  explicit IoUringBackend(const Capabilities& capabilities) noexcept : ReadinessBackend(capabilities) {}
  ~IoUringBackend() override { return_blocks(); }

  Error start() noexcept;

  Error attach(Handle& handle) noexcept override;
  void close(Handle& handle) noexcept override;
  Submit submit(Op& op) noexcept override;

 private:
  Error arm(Handle& handle, Interest interest) noexcept override;
  void poll(TimePoint until, FiredList& fired) noexcept override;
  void return_blocks() noexcept override;

  bool usable() noexcept;
  io_uring_sqe* entry() noexcept;
  void cancel_at_kernel(Tag tag, const Handle& handle) noexcept;
  void take(const io_uring_cqe& completion, FiredList& fired) noexcept;
  void polled(Tag tag, Token token, std::int32_t result, FiredList& fired) noexcept;
  void received(Token token, const io_uring_cqe& completion, FiredList& fired) noexcept;
  void note_received(Receiving& state, const io_uring_cqe& completion, char* block) noexcept;

  bool arm_receive(Handle& handle, Receiving& state) noexcept;
  void deliver(Op& op, Receiving& state) noexcept;
  void copy_kept(Op& op, Receiving& state, std::span<char> room) noexcept;
  void drop_kept(Receiving& state) noexcept;

  bool borrow_from(BufferPool& pool) noexcept;
  void lend_missing() noexcept;
  bool lend(std::uint16_t index) noexcept;
  char* block_used(const io_uring_cqe& completion) noexcept;

  Handle* attached_handle(Token token) noexcept {
    if (token.slot >= receiving_.size()) return nullptr;
    Handle* handle = handle_at(token.slot);
    return handle != nullptr && handle->generation == token.generation ? handle : nullptr;
  }

  platform::Uring ring_;
  bool multishot_ = false;    // receives: Linux 6.0
  bool wake_armed_ = false;
  std::vector<Receiving> receiving_;  // by slot
  FiredList late_;                    // found outside poll()

  platform::BufferRing lent_;
  BufferPool* pool_ = nullptr;           // whose blocks the kernel has
  std::array<char*, blocks> block_at_{};  // by index: null when the pool had none
  unsigned offered_ = 0;                  // how many are not
};

Error IoUringBackend::start() noexcept {
  if (const Error error = platform::Uring::probe()) return error;
  if (const Error error = ring_.open(entries, completions)) return error;
  multishot_ = !platform::fallbacks_forced() && ring_.receives_multishot();
  return open_wakeup();
}

Error IoUringBackend::attach(Handle& handle) noexcept {
  if (const Error error = ReadinessBackend::attach(handle)) return error;
  if (handle.slot >= receiving_.size()) receiving_.resize(handle.slot + std::size_t{1});
  return {};
}

// A request with the kernel holds the connection open: the cancels go with the next submission, which is this turn's.
void IoUringBackend::close(Handle& handle) noexcept {
  if (handle.slot != Handle::no_slot) {
    Receiving& state = receiving_[handle.slot];
    if (state.armed) {
      // Not submitted yet, it would find whoever has the descriptor's number by then, and take his bytes.
      if (state.round == ring_.round() && !failure()) {
        if (const Error error = ring_.submit()) fail(error);
      }
      cancel_at_kernel(Tag::receive, handle);
    }
    drop_kept(state);
    state.used = state.armed = state.stopping = state.ended = false;
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
  const bool forever = until == TimePoint::max() && late_.empty();
  const Duration time = late_.empty() ? time_until(until) : Duration{};
  if (const Error error = ring_.enter(time, forever)) return fail(error);
  fired.swap(late_);
  late_.clear();
  io_uring_cqe completion;
  for (std::size_t n = 0; n < batch && ring_.next(completion); ++n) take(completion, fired);
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
    case Tag::receive: received(token, completion, fired); break;
  }
}

void IoUringBackend::polled(Tag tag, Token token, std::int32_t result, FiredList& fired) noexcept {
  if (result == -ECANCELED) return;
  Handle* handle = attached_handle(token);
  if (!handle) return note_stale_event();
  const bool in = tag == Tag::poll_in;
  handle->armed &= static_cast<std::uint8_t>(~bits(in ? Interest::read : Interest::write));
  bool hung_up = result < 0 || (static_cast<unsigned>(result) & hang_ups) != 0;
  const Receiving& state = receiving_[token.slot];
  // The ring has the word: a receive beside it would get ahead of bytes that are under way.
  const bool by_ring = state.armed || state.has_result();
  fired.push_back({token, in && !by_ring, !in || (by_ring && hung_up), hung_up && !by_ring});
}

// --- receiving ---

Submit IoUringBackend::submit(Op& op) noexcept {
  Handle& handle = *op.handle;
  if (!receives(op.kind) || handle.kind != HandleKind::stream_socket) return ReadinessBackend::submit(op);
  Receiving& state = receiving_[handle.slot];
  if (op.kind == OpKind::recv_leased && borrow_from(*op.lease.pool)) state.used = true;
  if (!state.used) return ReadinessBackend::submit(op);
  WEIR_VERIFY(handle.in == nullptr);
  if (state.has_result()) {
    op.state = OpState::idle;
    deliver(op, state);
    return Submit::done;
  }
  if (!state.armed && !arm_receive(handle, state)) return ReadinessBackend::submit(op);
  handle.in = &op;
  op.state = OpState::in_flight;
  return Submit::pending;
}

// False: there is no block to receive into; the op then takes its own, or fails for want of one.
bool IoUringBackend::arm_receive(Handle& handle, Receiving& state) noexcept {
  if (!lent_.is_open()) return false;
  if (offered_ < blocks / 2) lend_missing();
  if (offered_ == 0) return false;
  io_uring_sqe* receive = entry();
  if (!receive) return false;
  receive->opcode = IORING_OP_RECV;
  receive->fd = static_cast<int>(handle.native);
  receive->ioprio = IORING_RECV_MULTISHOT;
  receive->flags = IOSQE_BUFFER_SELECT;
  receive->buf_group = group;
  receive->user_data = pack(Tag::receive, token_of(handle));
  state.armed = true;
  state.stopping = false;
  state.round = ring_.round();
  return true;
}

void IoUringBackend::received(Token token, const io_uring_cqe& completion, FiredList& fired) noexcept {
  char* block = block_used(completion);
  Handle* handle = attached_handle(token);
  if (!handle) {
    if (block) pool_->take_back(block);
    return note_stale_event();
  }
  Receiving& state = receiving_[token.slot];
  note_received(state, completion, block);
  Op* op = handle->in;
  if (op != nullptr && receives(op->kind)) {
    if (state.has_result()) {
      handle->in = nullptr;
      deliver(*op, state);
      end(*op);
    } else if (!state.armed && !arm_receive(*handle, state)) {
      fired.push_back({token, true, false, false});
    }
  }
  if (state.armed && !state.stopping && state.kept.size() >= most_kept) {
    state.stopping = true;
    cancel_at_kernel(Tag::receive, *handle);
  }
}

void IoUringBackend::note_received(Receiving& state, const io_uring_cqe& completion, char* block) noexcept {
  if ((completion.flags & IORING_CQE_F_MORE) == 0) state.armed = false;
  if (completion.res > 0) {
    state.kept.push_back({block, nullptr, 0, static_cast<std::uint32_t>(completion.res)});
    return;
  }
  if (block) pool_->take_back(block);
  if (completion.res == -ENOBUFS || completion.res == -ECANCELED) return;  // to be armed again
  state.ended = true;
  state.error = completion.res == 0 ? Error{} : platform::error_from(-completion.res);
}

void IoUringBackend::deliver(Op& op, Receiving& state) noexcept {
  if (op.kind == OpKind::watch_read) return;
  if (state.kept.empty()) {
    op.error = state.error;
    state.ended = false;  // told once; the kernel repeats it if asked again
    return;
  }
  if (op.kind == OpKind::recv) return copy_kept(op, state, {op.memory.data, op.memory.size});
  Buffer& into = *op.lease.into;
  Kept& first = state.kept.front();
  if (into.empty() && first.begin == 0 && first.block && op.lease.pool == pool_) {
    op.bytes = first.end;
    into = pool_->reclaim(std::exchange(first.block, nullptr), first.end);
    state.kept.erase(state.kept.begin());
    return;
  }
  if (!into) into = op.lease.pool->take();
  if (!into) {
    op.error = Errc::out_of_memory;
    return;
  }
  copy_kept(op, state, into.room());
  into.commit(op.bytes);
}

void IoUringBackend::copy_kept(Op& op, Receiving& state, std::span<char> room) noexcept {
  if (room.empty()) op.error = Errc::bad_argument;
  while (!room.empty() && !state.kept.empty()) {
    Kept& first = state.kept.front();
    const std::size_t size = std::min<std::size_t>(room.size(), first.end - first.begin);
    std::memcpy(room.data(), (first.block ? first.block : first.saved.get()) + first.begin, size);
    room = room.subspan(size);
    first.begin += static_cast<std::uint32_t>(size);
    op.bytes += static_cast<std::uint32_t>(size);
    if (first.begin < first.end) break;
    if (first.block) pool_->take_back(first.block);
    state.kept.erase(state.kept.begin());
  }
}

void IoUringBackend::drop_kept(Receiving& state) noexcept {
  for (Kept& kept : state.kept) {
    if (kept.block) pool_->take_back(kept.block);
  }
  state.kept.clear();
}

// --- blocks that are with the kernel ---

// False: this pool's blocks cannot be lent, receives go without the ring.
bool IoUringBackend::borrow_from(BufferPool& pool) noexcept {
  if (pool_ == &pool) return true;
  if (pool_ != nullptr || !multishot_ || !pool.lend_to(*this)) return false;
  if (!usable() || lent_.open(ring_, group, blocks)) {
    pool.lend_to_nobody();
    multishot_ = false;  // Linux 5.18 and earlier
    return false;
  }
  pool_ = &pool;
  lend_missing();
  return true;
}

void IoUringBackend::lend_missing() noexcept {
  for (std::uint16_t index = 0; index < blocks; ++index) {
    if (block_at_[index] != nullptr) continue;
    if (!lend(index)) return;
  }
}

bool IoUringBackend::lend(std::uint16_t index) noexcept {
  block_at_[index] = pool_->lend();
  if (block_at_[index] == nullptr) return false;  // the pool's bound
  lent_.offer(index, block_at_[index], pool_->block_size());
  ++offered_;
  return true;
}

// The block that the kernel has filled; another takes its place.
char* IoUringBackend::block_used(const io_uring_cqe& completion) noexcept {
  if ((completion.flags & IORING_CQE_F_BUFFER) == 0) return nullptr;
  const auto index = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
  char* block = std::exchange(block_at_[index], nullptr);
  --offered_;
  if (lent_.is_open()) lend(index);
  return block;
}

// The pool ends, or this backend does. Bytes that nobody has taken yet outlive it.
void IoUringBackend::return_blocks() noexcept {
  if (!pool_) return;
  lent_.close();
  io_uring_cqe completion;
  while (ring_.next(completion)) take(completion, late_);
  for (Receiving& state : receiving_) {
    for (Kept& kept : state.kept) {
      if (!kept.block) continue;
      kept.saved = std::make_unique<char[]>(kept.end);
      std::memcpy(kept.saved.get(), kept.block, kept.end);
      pool_->take_back(std::exchange(kept.block, nullptr));
    }
  }
  for (char*& block : block_at_) {
    if (block) pool_->take_back(std::exchange(block, nullptr));
  }
  offered_ = 0;
  std::exchange(pool_, nullptr)->lend_to_nobody();
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
