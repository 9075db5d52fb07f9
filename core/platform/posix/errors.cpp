#include "core/platform/errors.hpp"

#include <cerrno>

namespace weir::platform {
namespace {

Errc code_of(int number) noexcept {
  switch (number) {
    case 0: return Errc::ok;
#if EAGAIN != EWOULDBLOCK
    case EWOULDBLOCK:
#endif
    case EAGAIN: return Errc::would_block;
    case ECANCELED: return Errc::cancelled;
    case ETIMEDOUT: return Errc::timed_out;
    case ECONNRESET: return Errc::connection_reset;
    case ECONNREFUSED: return Errc::connection_refused;
    case ECONNABORTED: return Errc::connection_aborted;
    case EPIPE: return Errc::broken_pipe;
    case ENOTCONN:
    case ESHUTDOWN: return Errc::not_connected;
    case EADDRINUSE: return Errc::address_in_use;
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL: return Errc::address_not_available;
    case EHOSTDOWN:
    case EHOSTUNREACH: return Errc::host_unreachable;
    case ENETDOWN:
    case ENETUNREACH: return Errc::network_unreachable;
    case EPERM:
    case EACCES: return Errc::permission_denied;
    case ESRCH:
    case ENOTDIR:
    case ENOENT: return Errc::not_found;
    case EEXIST: return Errc::already_exists;
    case EMFILE:
    case ENFILE: return Errc::descriptor_limit;
    case ENOMEM:
    case ENOBUFS: return Errc::out_of_memory;
    case ENOTSOCK:
    case EISCONN:
    case EALREADY:
    case ENAMETOOLONG:
    case EINVAL: return Errc::bad_argument;
    case EBADF: return Errc::bad_descriptor;
    case EMSGSIZE: return Errc::message_too_large;
    case EINTR: return Errc::interrupted;
    default: return Errc::unknown;
  }
}

}  // namespace

Error error_from(int number) noexcept { return {code_of(number), number}; }
Error last_error() noexcept { return error_from(errno); }

}  // namespace weir::platform
