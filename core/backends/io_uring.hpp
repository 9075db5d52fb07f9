#pragma once
// IoUringBackend: receives on connections are the kernel's to complete, everything else is tried at once and parked on
// a one-shot poll, as with the other readiness mechanisms; submissions go with the wait, in one system call a turn.
//
// A connection that is received from by lease gets, after its first message, one multishot receive, which stays with
// the kernel. When bytes come, the kernel takes a block that the reactor's pool has lent it, and the block is handed on
// to the op without a copy. So an idle connection costs no block and no system call. What arrives without a waiter is
// kept, in order, up to a bound; then the receive is stopped until it has been taken. The op itself is not held by
// the kernel: its cancel is done at once. Small sends are: they go with the submission, many in one call, and their
// cancel is a request.
//
// A listener whose owner can take its whole backlog gets one multishot accept. It stays with the kernel for as long
// as an accept waits; connections accepted beyond that are kept for the next ones.
//
// A transfer is better off without all this: once whole blocks come, receives and large sends are tried at once, as
// with the other mechanisms, so that one block goes round while it is in the caches.
//
// Owned and called by the reactor's thread, wake() by any. Linux 5.13; multishot from 6.0.
#ifdef __linux__

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "core/backends/io_uring_blocks.hpp"
#include "core/backends/readiness.hpp"
#include "core/base/intrusive_list.hpp"
#include "core/base/object_pool.hpp"
#include "core/platform/linux/uring.hpp"

namespace weir::uring {

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

inline bool receives(OpKind kind) noexcept {
  return kind == OpKind::recv || kind == OpKind::recv_leased || kind == OpKind::watch_read;
}

// Bytes that came before a receive asked for them: a block of the pool, or what was saved from a pool that has ended.
struct Kept {
  Kept* next = nullptr;
  char* block;
  std::uint32_t begin = 0;
  std::uint32_t end;
  std::unique_ptr<char[]> saved;

  Kept(char* data, std::uint32_t size) noexcept : block(data), end(size) {}
  const char* data() const noexcept { return (block ? block : saved.get()) + begin; }
};

// How a connection is received from, and what the kernel holds for it: io_uring_streams.cpp has the table.
enum class ReceiveMode : std::uint8_t {
  direct,  // without the ring: nothing was leased yet
  first,   // by the ring, but no message has come yet
  steady,  // messages come, each smaller than a block: one receive is good for many
  bulk,    // whole blocks come
};
// A receive, or the accept of a listener, which is always multishot.
enum class Request : std::uint8_t {
  none,
  once,
  multishot,
  stopping,  // a multishot that was asked back: its last completion is to come
};

// What the ring has of one connection or listener, by its slot. An idle connection has this, too: it is small.
struct Traffic {
  ReceiveMode mode = ReceiveMode::direct;
  Request request = Request::none;
  bool ended = false;       // after what is kept: `error`, or the end of the stream
  bool sending = false;     // the op that sends is with the kernel
  std::uint32_t round = 0;  // of the ring, when the receive was armed; it may come round
  Error error{};
  Queue<Kept> kept;

  bool armed() const noexcept { return request != Request::none; }
  bool has_result() noexcept { return !kept.empty() || ended; }
  bool has_enough() noexcept { return !kept.empty() && kept.front()->next != nullptr; }
};
static_assert(sizeof(Traffic) == 32);

// Connections that a listener's multishot accept has taken, not yet claimed by an accept op.
struct Arrivals {
  Handle* listener;
  std::deque<NativeHandle> kept{};
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
  io_uring_sqe* entry() noexcept;  // null: the ring has failed
  void submit_now() noexcept;
  void cancel_at_kernel(Tag tag, const Handle& handle) noexcept;
  void cancel_multishot(Tag tag, const Handle& handle) noexcept;  // the multishot receive or accept, once
  void take_all(FiredList& fired) noexcept;
  void take(const io_uring_cqe& completion, FiredList& fired) noexcept;
  void polled(Tag tag, Token token, std::int32_t result, FiredList& fired) noexcept;

  // --- io_uring_streams.cpp ---
  Submit receive(Op& op) noexcept;
  bool arm_receive(Handle& handle, Traffic& state) noexcept;
  void received(Token token, const io_uring_cqe& completion) noexcept;
  void note_received(Handle& handle, Traffic& state, const io_uring_cqe& completion, char* block) noexcept;
  void deliver(Op& op, Traffic& state) noexcept;
  void copy_kept(Op& op, Traffic& state, std::span<char> room) noexcept;
  void drop_first(Traffic& state) noexcept;
  void close_traffic(Handle& stream) noexcept;
  bool borrow_from(BufferPool& pool) noexcept;
  void feed_starved() noexcept;
  void try_starved() noexcept;
  Submit send(Op& op) noexcept;
  void sent(Token token, std::int32_t result, FiredList& fired) noexcept;
  bool cancel_send(Op& op) noexcept;  // false: the kernel does not have it

  // --- io_uring_listeners.cpp ---
  Arrivals* arrivals_of(const Handle& listener) noexcept;
  Submit accept(Op& op) noexcept;
  bool arm_accept(Handle& listener) noexcept;
  void accepted(Token token, const io_uring_cqe& completion, FiredList& fired) noexcept;
  static void hand_out(Arrivals& arrivals, Op& op) noexcept;
  void cancel_unwanted_multishots() noexcept;
  bool cancel_accept(Op& op) noexcept;  // false: the kernel does not have it
  void close_arrivals(Handle& listener) noexcept;

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

}  // namespace weir::uring

#endif
