// The operations of a completion port. Streams are tried without blocking first, as everywhere: what the socket holds,
// or has room for, needs no packet. A packet is asked for when it would have blocked; a leased receive asks with no
// memory at all, so that an idle connection pins none. Pipes and devices are in iocp_pipes.cpp.
//
// FILE_SKIP_COMPLETION_PORT_ON_SUCCESS is left alone: it is unsafe with some providers, and after that first try an
// overlapped call rarely succeeds at once. Windows.
#ifdef _WIN32

#include "core/backends/iocp_operations.hpp"

#include <algorithm>
#include <climits>
#include <utility>

#include "core/platform/child.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/sockets.hpp"
#include "core/platform/windows/buffers.hpp"
#include "core/platform/windows/sockaddr.hpp"

namespace weir::iocp {
namespace {

using platform::Attempt;
using platform::handle_of;
using platform::socket_of;

// What the packet says went wrong. The status is the kernel's own; the layer that made the call translates it.
Error error_of(Op& op) noexcept {
  OVERLAPPED& overlapped = in_flight(op).overlapped;
  if (overlapped.Internal == 0) return {};
  DWORD bytes = 0, flags = 0;
  if (platform::is_socket(*op.handle)) {
    if (::WSAGetOverlappedResult(socket_of(*op.handle), &overlapped, &bytes, FALSE, &flags)) return {};
    return platform::transfer_error(::WSAGetLastError());
  }
  if (::GetOverlappedResult(handle_of(*op.handle), &overlapped, &bytes, FALSE)) return {};
  return platform::transfer_error(static_cast<int>(::GetLastError()));
}

// ConnectEx has no name to link with.
LPFN_CONNECTEX connect_function(SOCKET socket) noexcept {
  static const LPFN_CONNECTEX function = [socket] {
    GUID id = WSAID_CONNECTEX;
    LPFN_CONNECTEX found = nullptr;
    DWORD size = 0;
    ::WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &found, sizeof found, &size, nullptr,
               nullptr);
    return found;
  }();
  return function;
}

// The connection ended before it was accepted: nothing is wrong with the listener.
bool is_transient(const Error& error) noexcept {
  return error.code == Errc::connection_reset || error.code == Errc::connection_aborted ||
         error.code == Errc::timed_out || error.code == Errc::network_unreachable ||
         error.code == Errc::host_unreachable;
}

// On a thread of the system's. It touches the slot only, which stays until the watch was taken down.
void CALLBACK on_child_end(void* context, BOOLEAN) noexcept {
  auto& flight = *static_cast<InFlight*>(context);
  flight.child.ended.store(true, std::memory_order_release);
  // Refused when the kernel is out of memory, for a moment.
  while (!::PostQueuedCompletionStatus(flight.child.port, 0, operation_key, &flight.overlapped)) ::Sleep(1);
}

}  // namespace

Progress begun(Op& op, DWORD number) noexcept {
  return number == ERROR_IO_PENDING ? Progress::pending : fail(op, platform::transfer_error(static_cast<int>(number)));
}

Progress Operations::begin(Op& op) noexcept {
  const bool socket = platform::is_socket(*op.handle);
  switch (op.kind) {
    case OpKind::recv:
    case OpKind::read: return socket ? begin_receive(op) : begin_read(op);
    case OpKind::recv_leased: return socket ? begin_receive(op) : begin_leased_read(op);
    case OpKind::send:
    case OpKind::write: return socket ? begin_send(op) : begin_write(op);
    case OpKind::accept: return socket ? begin_accept(op) : begin_pipe_accept(op);
    case OpKind::connect: return socket ? begin_connect(op) : begin_pipe_connect(op);
    case OpKind::wait_child: return begin_wait(op);
    case OpKind::watch_read:
    case OpKind::watch_write: break;  // refused before
  }
  return fail(op, Errc::bad_argument);
}

Progress Operations::go_on(Op& op, DWORD bytes) noexcept {
  if (op.kind == OpKind::wait_child) {
    ::UnregisterWaitEx(in_flight(op).child.wait, INVALID_HANDLE_VALUE);  // the callback is over, or almost
    platform::wait_child(op);
    return Progress::done;
  }
  const Error error = error_of(op);
  const bool socket = platform::is_socket(*op.handle);
  switch (op.kind) {
    case OpKind::accept: return socket ? go_on_accepting(op, error) : go_on_accepting_pipe(op, error);
    case OpKind::connect: return socket ? go_on_connecting(op, error) : go_on_connecting_pipe(op);
    case OpKind::recv:
    case OpKind::recv_leased:
    case OpKind::read: return socket ? go_on_receiving(op, bytes, error) : go_on_reading(op, bytes, error);
    case OpKind::send:
    case OpKind::write:
      if (!socket) return go_on_writing(op, bytes, error);
      op.handle->maybe_writable = !error;
      break;
    default: break;
  }
  op.bytes = bytes;
  op.error = error;
  return Progress::done;
}

Progress Operations::cancel(Op& op) noexcept {
  if (op.kind != OpKind::wait_child) {
    // Nothing to cancel means that the packet is on its way.
    ::CancelIoEx(handle_of(*op.handle), &in_flight(op).overlapped);
    return Progress::pending;
  }
  auto& child = in_flight(op).child;
  ::UnregisterWaitEx(child.wait, INVALID_HANDLE_VALUE);
  if (child.ended.load(std::memory_order_acquire)) {
    child.wait = nullptr;
    return Progress::pending;
  }
  return fail(op, Errc::cancelled);
}

// --- streams ---

// One try that does not block.
Progress Operations::attempt(Op& op) noexcept {
  const Attempt outcome = platform::perform(op);
  Handle& handle = *op.handle;
  (direction_of(op.kind) == Direction::out ? handle.maybe_writable : handle.maybe_readable) = outcome == Attempt::done;
  return outcome == Attempt::would_block ? Progress::pending : Progress::done;
}

Progress Operations::begin_receive(Op& op) noexcept {
  if (op.handle->maybe_readable && attempt(op) == Progress::done) return Progress::done;
  return ask_for_packet(op);
}

Progress Operations::ask_for_packet(Op& op) noexcept {
  in_flight(op).overlapped = {};
  const bool leased = op.kind == OpKind::recv_leased;
  if (!leased && op.memory.size == 0) return fail(op, Errc::bad_argument);
  WSABUF buffer{0, nullptr};
  if (!leased) buffer = {static_cast<ULONG>(std::min<std::size_t>(op.memory.size, INT_MAX)), op.memory.data};
  DWORD flags = 0;
  const int result = ::WSARecv(socket_of(*op.handle), &buffer, 1, nullptr, &flags, &in_flight(op).overlapped, nullptr);
  return result == 0 ? Progress::pending : begun(op, ::GetLastError());
}

Progress Operations::go_on_receiving(Op& op, DWORD bytes, Error error) noexcept {
  if (op.kind == OpKind::recv_leased) {
    if (op.state == OpState::cancelling) return fail(op, error ? error : Errc::cancelled);  // what is there stays there
    // An origin that refuses a body may answer and then reset the connection: what it sent may be there all the same.
    if (error) return attempt(op) == Progress::done && op.bytes > 0 ? Progress::done : fail(op, error);
    return attempt(op) == Progress::done ? Progress::done : ask_for_packet(op);
  }
  if (error) return fail(op, error);
  op.bytes = bytes;
  op.handle->maybe_readable = bytes == 0 || bytes == op.memory.size;
  return Progress::done;
}

Progress Operations::begin_send(Op& op) noexcept {
  if (op.handle->maybe_writable && attempt(op) == Progress::done) return Progress::done;
  in_flight(op).overlapped = {};
  platform::Buffers buffers(op.slices);
  const int result =
      ::WSASend(socket_of(*op.handle), buffers.data(), buffers.count(), nullptr, 0, &in_flight(op).overlapped, nullptr);
  return result == 0 ? Progress::pending : begun(op, ::GetLastError());
}

Progress Operations::begin_connect(Op& op) noexcept {
  sockaddr_storage to;
  const int length = platform::to_sockaddr(*op.connect.to, to);
  if (length == 0) return fail(op, Errc::bad_argument);
  // Nothing can be read before the peer has spoken.
  op.handle->maybe_readable = false;
  const SOCKET socket = socket_of(*op.handle);
  sockaddr_storage any{};
  any.ss_family = to.ss_family;
  // WSAEINVAL: it is bound already.
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&any), length) != 0 && ::WSAGetLastError() != WSAEINVAL) {
    return fail(op, platform::last_error());
  }
  const LPFN_CONNECTEX connect = connect_function(socket);
  if (connect == nullptr) return fail(op, Error(Errc::unknown, WSAEOPNOTSUPP));
  in_flight(op).overlapped = {};
  if (connect(socket, reinterpret_cast<const sockaddr*>(&to), length, nullptr, 0, nullptr, &in_flight(op).overlapped)) {
    return Progress::pending;
  }
  return begun(op, ::GetLastError());
}

Progress Operations::go_on_connecting(Op& op, Error error) noexcept {
  if (error) return fail(op, error);
  // A cancelled connect must not yield a connection.
  if (op.state == OpState::cancelling) return fail(op, Errc::cancelled);
  // Until then the socket does not know that it is connected: no names, no half close.
  if (::setsockopt(socket_of(*op.handle), SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, nullptr, 0) != 0) {
    return fail(op, platform::last_error());
  }
  return Progress::done;
}

// --- listeners ---

int Operations::domain_of_listener(const Handle& listener) noexcept {
  sockaddr_storage name{};
  int length = sizeof name;
  ::getsockname(socket_of(listener), reinterpret_cast<sockaddr*>(&name), &length);
  return name.ss_family;
}

void Operations::drop_accept(Op& op) noexcept {
  auto& accept = in_flight(op).accept;
  if (accept.socket != INVALID_SOCKET) ::closesocket(accept.socket);
  accept_areas_.give_back(accept.area);
}

Progress Operations::begin_accept(Op& op) noexcept {
  in_flight(op).accept.area = accept_areas_.take();
  if (in_flight(op).accept.area == nullptr) return fail(op, Errc::out_of_memory);
  return post_accept(op);
}

// Without a first receive: a client that connects and says nothing is accepted all the same.
Progress Operations::post_accept(Op& op) noexcept {
  // A listener that is broken for good must not hold the thread: a bounded number of attempts.
  constexpr int attempts = 64;
  auto& accept = in_flight(op).accept;
  for (int left = attempts; left > 0; --left) {
    accept.socket = socket_of(platform::make_stream_socket(static_cast<int>(op.handle->backend_word)));
    if (accept.socket == INVALID_SOCKET) {
      fail(op, platform::last_error());
      break;
    }
    in_flight(op).overlapped = {};
    DWORD received = 0;
    if (::AcceptEx(socket_of(*op.handle), accept.socket, accept.area->bytes.data(), 0, AcceptArea::address_size,
                   AcceptArea::address_size, &received, &in_flight(op).overlapped) ||
        ::WSAGetLastError() == ERROR_IO_PENDING) {
      return Progress::pending;
    }
    fail(op, platform::last_error());
    if (left == 1 || !is_transient(op.error)) break;
    ::closesocket(accept.socket);
  }
  drop_accept(op);
  return Progress::done;
}

Progress Operations::go_on_accepting(Op& op, Error error) noexcept {
  auto& accept = in_flight(op).accept;
  if (error && is_transient(error) && op.state != OpState::cancelling) {
    ::closesocket(accept.socket);
    return post_accept(op);
  }
  if (error) {
    drop_accept(op);
    // A connection may have completed all the same, and nothing else would take it when the listener is to be closed.
    const bool taken = op.state == OpState::cancelling && platform::perform(op) != Attempt::would_block && !op.error;
    return taken ? Progress::done : fail(op, error);
  }
  // Until then the socket does not know that it is connected: no names, no half close. One whose peer has gone by now
  // finds out when it is used.
  const SOCKET listener = socket_of(*op.handle);
  ::setsockopt(accept.socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, reinterpret_cast<const char*>(&listener),
               sizeof listener);
  platform::set_no_delay(platform::native_of(accept.socket));
  if (op.accept.peer != nullptr) {
    sockaddr *local = nullptr, *peer = nullptr;
    int local_size = 0, peer_size = 0;
    ::GetAcceptExSockaddrs(accept.area->bytes.data(), 0, AcceptArea::address_size, AcceptArea::address_size, &local,
                           &local_size, &peer, &peer_size);
    if (peer != nullptr) *op.accept.peer = platform::from_sockaddr(peer);
  }
  WEIR_VERIFY(!op.accept.accepted->is_open());
  op.accept.accepted->native = platform::native_of(std::exchange(accept.socket, INVALID_SOCKET));
  op.accept.accepted->kind = HandleKind::stream_socket;
  drop_accept(op);
  op.bytes = 0;
  return Progress::done;
}

// --- children ---

Progress Operations::begin_wait(Op& op) noexcept {
  if (platform::wait_child(op) == Attempt::done) return Progress::done;
  auto& flight = in_flight(op);
  flight.overlapped = {};
  flight.child.port = port_;
  std::construct_at(&flight.child.ended, false);
  if (!::RegisterWaitForSingleObject(&flight.child.wait, handle_of(*op.handle), on_child_end, &flight, INFINITE,
                                     WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD)) {
    return fail(op, platform::last_error());
  }
  return Progress::pending;
}

}  // namespace weir::iocp

#endif
