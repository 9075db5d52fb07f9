#pragma once
// Handle: one operating-system object (socket, pipe, device) as a backend sees it. Owned by a stream or a listener,
// which keeps it in place while an op is in flight. One thread at a time: a handle belongs to the reactor it is
// attached to.

#include <cstdint>
#include <utility>

#include "core/base/assert.hpp"

namespace weir {

struct Op;

// A descriptor, a SOCKET or a HANDLE.
using NativeHandle = std::intptr_t;
inline constexpr NativeHandle no_native_handle = -1;

enum class HandleKind : std::uint8_t {
  none,
  listener,
  stream_socket,
  pipe,           // one end of a pipe or FIFO: read or write
  char_device,
  regular_file,
  foreign,
  child,
  pipe_listener,  // the instance of a named pipe that the next client gets, or has got
  pipe_stream,    // a named pipe between two: recv and send, as of a stream socket
};

class Handle {
 public:
  Handle() noexcept = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { WEIR_VERIFY(!is_open()); }

  bool is_open() const noexcept { return native != no_native_handle; }
  // Transfers a connected, unattached stream socket to another thread: give() on one, take() on the other, where the
  // handle is then as an accept leaves it.
  NativeHandle give() noexcept {
    WEIR_VERIFY(kind == HandleKind::stream_socket && slot == no_slot && quiet());
    kind = HandleKind::none;
    return std::exchange(native, no_native_handle);
  }
  void take(NativeHandle given) noexcept {
    WEIR_VERIFY(!is_open());
    native = given;
    kind = HandleKind::stream_socket;
  }

  bool quiet() const noexcept { return in == nullptr && out == nullptr; }  // no op in flight

  NativeHandle native = no_native_handle;
  Op* in = nullptr;                 // at most one op per direction
  Op* out = nullptr;
  std::uint32_t slot = no_slot;     // the backend's index, no_slot before attach
  // What the backend remembers beside it. Only the backend that the handle is attached to reads it.
  union {
    std::uint32_t generation = 0;   // of the slot: tells late events of an earlier handle apart
    std::uint32_t backend_word;     // of a backend without slots: opaque
  };
  HandleKind kind = HandleKind::none;
  // The readiness base's memory of the last attempt: worth trying now? Set by an event, cleared by a would-block or a
  // short transfer.
  bool maybe_readable = true;
  bool maybe_writable = true;
  bool hung_up = false;             // the peer's end was seen: a short read no longer means drained
  std::uint8_t armed = 0;           // the interest that the kernel knows of (readiness backends)
  bool shared = false;              // adopted: another descriptor may share its open file description

  static constexpr std::uint32_t no_slot = UINT32_MAX;
};

}  // namespace weir
