#pragma once
// Op: one operation, owned by its awaiter (so it lives in a coroutine frame or a stream) and lent to the backend
// from submit until completion. While it is in flight, the op, the memory it points to and its handle stay where they
// are. Nothing here allocates. One thread: the reactor's.

#include <cstddef>
#include <cstdint>

#include "core/base/address.hpp"
#include "core/base/assert.hpp"
#include "core/base/buffer.hpp"
#include "core/base/error.hpp"

namespace weir {

class Handle;
struct ExitStatus;

enum class OpKind : std::uint8_t {
  accept,       // listeners of sockets and of named pipes
  connect,
  recv,         // into the caller's memory
  recv_leased,  // into a Buffer: an empty one is taken from the pool only when bytes are there, else its room is filled
  send,         // several slices; may be partial
  read,         // pipes, FIFOs, character devices
  write,        // several slices; may be partial
  watch_read,   // readiness of a foreign descriptor
  watch_write,
  wait_child,   // the end of a child process
};

enum class OpState : std::uint8_t {
  idle,        // belongs to its owner
  in_flight,   // lent to the backend
  cancelling,  // still lent; cancel() was called
  ready,       // result is in, waiting in a queue for complete()
};

enum class Direction : std::uint8_t { in, out, both };

constexpr Direction direction_of(OpKind kind) noexcept {
  switch (kind) {
    case OpKind::connect:
    case OpKind::send:
    case OpKind::write:
    case OpKind::watch_write: return Direction::out;
    default: return Direction::in;
  }
}

struct MemoryArgs { char* data; std::size_t size; };             // recv, read
// recv_leased. The backend looks at *into only when bytes are there, never while the op waits: meanwhile its owner may
// consume from it, give it back or put another in its place. A backend whose kernel needs memory up front uses its own.
struct LeaseArgs { Buffer* into; BufferPool* pool; };
struct SliceArgs { const IoSlice* slices; std::uint32_t count; };  // send, write
// accepted: opened, not attached; peer may be null. ahead: the caller can take the whole backlog of the listener,
// so the backend may accept early: the following accepts get those connections, or the close of the
// listener closes them.
struct AcceptArgs { Handle* accepted; Address* peer; bool ahead = false; };
struct ConnectArgs { const Address* to; };
struct ChildArgs { ExitStatus* status; };                        // wait_child: the handle is a ChildProcess

struct Op {
  using Complete = void (*)(Op&) noexcept;

  Op* next = nullptr;            // in at most one queue at any time
  Complete complete = nullptr;   // called by the reactor only, with state == idle: may resubmit or destroy the op
  Handle* handle = nullptr;
  OpKind kind{};
  OpState state = OpState::idle;
  std::uint32_t bytes = 0;       // result: transferred; 0 without error on a receive is the end of the stream
  Error error{};                 // result: beats bytes only when bytes is 0
  union {
    MemoryArgs memory;
    LeaseArgs lease;
    SliceArgs slices;
    AcceptArgs accept;
    ConnectArgs connect;
    ChildArgs child;
  };
  alignas(16) std::byte slot[64];  // the backend's own: OVERLAPPED, msghdr. Nothing else touches it

  Op() noexcept : memory{} {}
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;
  ~Op() { WEIR_VERIFY(state == OpState::idle); }

  bool idle() const noexcept { return state == OpState::idle; }
};

// A reviewed number: two ops live in every stream.
static_assert(sizeof(void*) != 8 || sizeof(Op) == 128);

}  // namespace weir
