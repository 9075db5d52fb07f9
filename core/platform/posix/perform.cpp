// The hot calls: everything a proxied request asks of the kernel passes through here.

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "core/platform/child.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/leased_receive.hpp"
#include "core/platform/posix/calls.hpp"
#include "core/platform/posix/descriptors.hpp"
#include "core/platform/posix/sockaddr.hpp"
#include "core/platform/sockets.hpp"

namespace weir::platform {
namespace {

static_assert(sizeof(IoSlice) == sizeof(iovec));
static_assert(offsetof(IoSlice, data) == offsetof(iovec, iov_base));
static_assert(offsetof(IoSlice, size) == offsetof(iovec, iov_len));

constexpr std::uint32_t max_slices = 1024;  // IOV_MAX of every system we know
#ifdef MSG_NOSIGNAL
constexpr int send_flags = MSG_NOSIGNAL;
#else
constexpr int send_flags = 0;  // SO_NOSIGPIPE was set at creation
#endif

int fd_of(const Op& op) noexcept { return static_cast<int>(op.handle->native); }

Attempt fail(Op& op, Error error) noexcept {
  op.bytes = 0;
  op.error = error;
  return Attempt::done;
}

// After a call that returned less than zero: EAGAIN parks, the rest is the op's result.
Attempt failed(Op& op) noexcept {
  return errno == EAGAIN || errno == EWOULDBLOCK ? Attempt::would_block : fail(op, last_error());
}

template <class Call>
ssize_t uninterrupted(Call call) noexcept {
  ssize_t result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// Less than was asked for means that the socket holds no more (or no more room), for streams.
Attempt moved(Op& op, ssize_t result, std::size_t wanted) noexcept {
  if (result < 0) return failed(op);
  op.bytes = static_cast<std::uint32_t>(result);
  const bool less = result > 0 && static_cast<std::size_t>(result) < wanted;
  return less && op.handle->kind == HandleKind::stream_socket ? Attempt::done_short : Attempt::done;
}

Attempt receive(Op& op, char* data, std::size_t size) noexcept {
  if (size == 0) return fail(op, Errc::bad_argument);  // the answer would look like an end of stream
  return moved(op, uninterrupted([&] { return receive_bytes(fd_of(op), data, size); }), size);
}

std::size_t total(const SliceArgs& slices, std::uint32_t count) noexcept {
  std::size_t sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) sum += slices.slices[i].size;
  return sum;
}

Attempt send(Op& op) noexcept {
  const std::uint32_t count = std::min(op.slices.count, max_slices);
  if (count == 1) {
    const IoSlice& only = op.slices.slices[0];
    return moved(op, uninterrupted([&] { return send_bytes(fd_of(op), only.data, only.size, send_flags); }), only.size);
  }
  msghdr message{};
  message.msg_iov = reinterpret_cast<iovec*>(const_cast<IoSlice*>(op.slices.slices));
  message.msg_iovlen = count;
  return moved(op, uninterrupted([&] { return send_message(fd_of(op), &message, send_flags); }), total(op.slices, count));
}

Attempt read(Op& op) noexcept {
  if (op.memory.size == 0) return fail(op, Errc::bad_argument);
  return moved(op, uninterrupted([&] { return ::read(fd_of(op), op.memory.data, op.memory.size); }), op.memory.size);
}

Attempt write(Op& op) noexcept {
  const std::uint32_t count = std::min(op.slices.count, max_slices);
  const auto* slices = reinterpret_cast<const iovec*>(op.slices.slices);
  return moved(op, uninterrupted([&] { return ::writev(fd_of(op), slices, static_cast<int>(count)); }),
               total(op.slices, count));
}

// Asks for the readiness of this moment: an edge that came before was not necessarily used up by the other owner.
Attempt watch(Op& op, short events) noexcept {
  pollfd one{fd_of(op), events, 0};
  const ssize_t ready = uninterrupted([&] { return ssize_t{::poll(&one, 1, 0)}; });
  if (ready < 0) return fail(op, last_error());
  if (ready == 0) return Attempt::would_block;
  return (one.revents & POLLNVAL) != 0 ? fail(op, Errc::bad_descriptor) : Attempt::done;
}

// accept(2): errors of a connection that ended while it was waiting, and of the network beneath it, say nothing about
// the listener.
bool is_transient(int number) noexcept {
  switch (number) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
#ifdef ENONET
    case ENONET:
#endif
      return true;
    default: return false;
  }
}

int accept_one(int fd, sockaddr* peer, socklen_t* length) noexcept {
#ifdef SOCK_NONBLOCK
  return ::accept4(fd, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  const int accepted = ::accept(fd, peer, length);
  if (accepted >= 0 && !make_private(accepted)) {
    ::close(accepted);
    errno = ECONNABORTED;
    return -1;
  }
  return accepted;
#endif
}

Attempt accept(Op& op) noexcept {
  // A listener that is broken for good must not hold the thread: a bounded number of attempts.
  constexpr int attempts = 64;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const bool ask = op.accept.peer != nullptr;
    const int fd = accept_one(fd_of(op), ask ? reinterpret_cast<sockaddr*>(&from) : nullptr, ask ? &length : nullptr);
    if (fd >= 0) {
      WEIR_VERIFY(!op.accept.accepted->is_open());
      op.accept.accepted->native = fd;
      op.accept.accepted->kind = HandleKind::stream_socket;
      if (ask) *op.accept.peer = from_sockaddr(from);
      return Attempt::done;
    }
    if (!is_transient(errno)) break;
  }
  return failed(op);
}

Attempt connect(Op& op) noexcept {
  Handle& handle = *op.handle;
  sockaddr_storage to;
  const socklen_t length = to_sockaddr(*op.connect.to, to);
  if (length == 0) return fail(op, Errc::bad_argument);
  // Nothing can be read before the peer has spoken: the first receive waits for the event without trying.
  handle.maybe_readable = false;
  if (::connect(fd_of(op), reinterpret_cast<const sockaddr*>(&to), length) == 0) return Attempt::done;
  if (errno == EINPROGRESS || errno == EINTR) return Attempt::would_block;
  // A unix socket with a full backlog answers EAGAIN, and no readiness would ever come: the caller may try again later.
  if (errno == EAGAIN) return fail(op, Error(Errc::connection_refused, EAGAIN));
  return fail(op, last_error());
}

}  // namespace

Attempt finish_connect(Op& op) noexcept {
  int outcome = 0;
  socklen_t size = sizeof outcome;
  if (::getsockopt(fd_of(op), SOL_SOCKET, SO_ERROR, &outcome, &size) != 0) return fail(op, last_error());
  if (outcome != 0) return fail(op, error_from(outcome));
  if (op.handle->hung_up) {
    // Shut down by our own side while connecting: no error is kept, but there is no peer either.
    sockaddr_storage peer;
    socklen_t length = sizeof peer;
    if (::getpeername(fd_of(op), reinterpret_cast<sockaddr*>(&peer), &length) != 0) {
      return fail(op, Error(Errc::connection_aborted, errno));
    }
  }
  return Attempt::done;
}

Attempt perform(Op& op) noexcept {
  switch (op.kind) {
    case OpKind::recv: return receive(op, op.memory.data, op.memory.size);
    case OpKind::recv_leased: return receive_leased<receive>(op);
    case OpKind::send: return send(op);
    case OpKind::accept: return accept(op);
    case OpKind::connect: return connect(op);
    case OpKind::read: return read(op);
    case OpKind::write: return write(op);
    case OpKind::watch_read: return watch(op, POLLIN);
    case OpKind::watch_write: return watch(op, POLLOUT);
    case OpKind::wait_child: return wait_child(op);
  }
  return fail(op, Errc::bad_argument);
}

}  // namespace weir::platform
