#pragma once
// Two stream sockets that are connected to each other over loopback: what every backend of Windows can wait on. For
// core/platform/windows only. Any thread.

#include "core/base/error.hpp"
#include "core/reactor/handle.hpp"

namespace weir::platform {

struct SocketPair {
  NativeHandle read_end = no_native_handle;
  NativeHandle write_end = no_native_handle;
};

// Neither end blocks. The caller closes both.
Result<SocketPair> make_socket_pair() noexcept;

void close_socket(NativeHandle socket) noexcept;  // no_native_handle: nothing happens

}  // namespace weir::platform
