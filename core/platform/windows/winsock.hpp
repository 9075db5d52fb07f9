#pragma once
// The system's headers in the one order that works, and Winsock's start. For core/platform/windows and the backends of
// Windows only. Any thread; never cleaned up: sockets may be closed as late as a static's destructor.

#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
// Behind winsock2.h:
#include <mswsock.h>
#include <windows.h>
#include <ws2tcpip.h>

#include "core/base/error.hpp"
#include "core/reactor/handle.hpp"

namespace weir::platform {

// Starts Winsock once. Every function that makes or finds a first socket calls it.
Error start_winsock() noexcept;

inline SOCKET socket_of(NativeHandle native) noexcept { return static_cast<SOCKET>(native); }
inline SOCKET socket_of(const Handle& handle) noexcept { return socket_of(handle.native); }
inline HANDLE handle_of(NativeHandle native) noexcept { return reinterpret_cast<HANDLE>(native); }
inline HANDLE handle_of(const Handle& handle) noexcept { return handle_of(handle.native); }
inline NativeHandle native_of(SOCKET socket) noexcept { return static_cast<NativeHandle>(socket); }
inline NativeHandle native_of(HANDLE handle) noexcept { return reinterpret_cast<NativeHandle>(handle); }
static_assert(static_cast<NativeHandle>(INVALID_SOCKET) == no_native_handle);

inline bool is_socket(const Handle& handle) noexcept {
  return handle.kind == HandleKind::stream_socket || handle.kind == HandleKind::listener;
}

// A stream socket that does not block, can be used overlapped and is not inherited; no_native_handle and the
// thread's last error otherwise.
NativeHandle make_stream_socket(int domain) noexcept;

// What an accepted socket still lacks: it does not delay small writes.
void set_no_delay(NativeHandle socket) noexcept;

// Errors of transfers: what a stream that has ended calls its end. A connection that the system aborted, or a pipe that
// its server has taken away, was reset as far as its user is concerned.
Error transfer_error(int number) noexcept;

}  // namespace weir::platform
