// One attempt that does not block: all of the select backend, and what the iocp backend tries before it asks the kernel
// to tell.

#include <algorithm>
#include <climits>

#include "core/platform/child.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/leased_receive.hpp"
#include "core/platform/sockets.hpp"
#include "core/platform/windows/buffers.hpp"
#include "core/platform/windows/sockaddr.hpp"
#include "core/platform/windows/winsock.hpp"

namespace weir::platform {
namespace {

Attempt fail(Op& op, Error error) noexcept {
  op.bytes = 0;
  op.error = error;
  return Attempt::done;
}

Attempt failed(Op& op) noexcept {
  const int number = ::WSAGetLastError();
  return number == WSAEWOULDBLOCK ? Attempt::would_block : fail(op, transfer_error(number));
}

// Less than was asked for means that the socket holds no more, or no more room.
Attempt moved(Op& op, std::size_t count, std::size_t wanted) noexcept {
  op.bytes = static_cast<std::uint32_t>(count);
  return count > 0 && count < wanted ? Attempt::done_short : Attempt::done;
}

Attempt receive(Op& op, char* data, std::size_t size) noexcept {
  if (size == 0) return fail(op, Errc::bad_argument);  // the answer would look like an end of stream
  const int result = ::recv(socket_of(*op.handle), data, static_cast<int>(std::min<std::size_t>(size, INT_MAX)), 0);
  return result < 0 ? failed(op) : moved(op, static_cast<std::size_t>(result), size);
}

Attempt send(Op& op) noexcept {
  Buffers buffers(op.slices);
  DWORD sent = 0;
  if (::WSASend(socket_of(*op.handle), buffers.data(), buffers.count(), &sent, 0, nullptr, nullptr) != 0) {
    return failed(op);
  }
  return moved(op, sent, buffers.total());
}

// Asks for the readiness of this moment: what came before was not necessarily used up by the other owner.
Attempt watch(Op& op, bool write) noexcept {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(socket_of(*op.handle), &set);
  timeval now{};
  const int ready = ::select(0, write ? nullptr : &set, write ? &set : nullptr, nullptr, &now);
  if (ready < 0) return fail(op, last_error());
  return ready == 0 ? Attempt::would_block : Attempt::done;
}

// The connection ended while it was waiting: nothing is wrong with the listener.
bool is_transient(int number) noexcept {
  return number == WSAECONNRESET || number == WSAECONNABORTED || number == WSAEINTR || number == WSAENETDOWN;
}

Attempt accept(Op& op) noexcept {
  // A listener that is broken for good must not hold the thread: a bounded number of attempts.
  constexpr int attempts = 64;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    sockaddr_storage from{};
    int length = sizeof from;
    auto* peer = reinterpret_cast<sockaddr*>(&from);
    const SOCKET socket = ::accept(socket_of(*op.handle), peer, &length);
    if (socket != INVALID_SOCKET) {
      WEIR_VERIFY(!op.accept.accepted->is_open());
      ::SetHandleInformation(handle_of(native_of(socket)), HANDLE_FLAG_INHERIT, 0);
      set_no_delay(native_of(socket));
      op.accept.accepted->native = native_of(socket);  // as its listener, it does not block
      op.accept.accepted->kind = HandleKind::stream_socket;
      if (op.accept.peer != nullptr) *op.accept.peer = from_sockaddr(peer);
      return Attempt::done;
    }
    if (!is_transient(::WSAGetLastError())) break;
  }
  return failed(op);
}

Attempt connect(Op& op) noexcept {
  sockaddr_storage to;
  const int length = to_sockaddr(*op.connect.to, to);
  if (length == 0) return fail(op, Errc::bad_argument);
  // Nothing can be read before the peer has spoken: the first receive waits for the event without trying.
  op.handle->maybe_readable = false;
  if (::connect(socket_of(*op.handle), reinterpret_cast<const sockaddr*>(&to), length) == 0) return Attempt::done;
  const int number = ::WSAGetLastError();
  return number == WSAEWOULDBLOCK ? Attempt::would_block : fail(op, error_from(number));
}

}  // namespace

Attempt finish_connect(Op& op) noexcept {
  int outcome = 0;
  int size = sizeof outcome;
  const SOCKET socket = socket_of(*op.handle);
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&outcome), &size) != 0) {
    return fail(op, last_error());
  }
  if (outcome != 0) return fail(op, error_from(outcome));
  if (op.handle->hung_up) {
    // Shut down by our own side while connecting: no error is kept, but there is no peer either.
    sockaddr_storage peer;
    int length = sizeof peer;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &length) != 0) {
      return fail(op, Error(Errc::connection_aborted, ::WSAGetLastError()));
    }
  }
  return Attempt::done;
}

Attempt perform(Op& op) noexcept {
  switch (op.kind) {
    case OpKind::read:
    case OpKind::recv: return receive(op, op.memory.data, op.memory.size);
    case OpKind::recv_leased: return receive_leased<receive>(op);
    case OpKind::write:
    case OpKind::send: return send(op);
    case OpKind::accept: return accept(op);
    case OpKind::connect: return connect(op);
    case OpKind::watch_read: return watch(op, false);
    case OpKind::watch_write: return watch(op, true);
    case OpKind::wait_child: return wait_child(op);
  }
  return fail(op, Errc::bad_argument);
}

}  // namespace weir::platform
