#pragma once
// Named pipes as streams between the processes of this machine: instances that listen, and the way to one of them. For
// core/platform/windows and the backends of Windows only. Any thread; nothing here waits.

#include "core/platform/windows/winsock.hpp"

namespace weir::platform {

// An instance that the next client gets. `first`: fails with address_in_use if the name is already in use.
// Access: its owner (the user weir runs as), administrators and the system; not from other machines.
Error open_pipe_listener(Handle& handle, std::string_view name, bool first) noexcept;

// One more of the same name. The one there is may have a client by now.
Result<NativeHandle> make_instance_beside(const Handle& listener) noexcept;

// A stream that has no pipe yet. Its handle is one on the system's pipes as a whole, through which one waits.
Error open_pipe_stream(Handle& handle) noexcept;

// The client's end of an instance that listens; no_native_handle and the thread's last error otherwise: ERROR_PIPE_BUSY
// when every instance has its client.
NativeHandle connect_pipe(std::string_view name) noexcept;

// Starts a short wait for an instance that listens; the caller checks again after that. 0: a packet
// comes; else the system's number for why none does.
int wait_for_instance(const Handle& unconnected, std::string_view name, OVERLAPPED& overlapped) noexcept;

// pipe, or pipe_listener for a server's end of both directions: its client, if there is one, has not been accepted yet.
HandleKind kind_of_pipe(HANDLE pipe) noexcept;

}  // namespace weir::platform
