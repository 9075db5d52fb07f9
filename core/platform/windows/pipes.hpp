#pragma once
// The pipes between this process and a child. For core/platform/windows and the tests of Windows' backends. Any thread.

#include "core/base/error.hpp"
#include "core/reactor/handle.hpp"

namespace weir::platform {

struct Pipe {
  NativeHandle ours = no_native_handle;    // opened for overlapped I/O
  NativeHandle theirs = no_native_handle;  // as programs expect theirs: plain. The only one that can be inherited
};

// A byte stream, from us when `we_write`, else to us. A named pipe of which there is one instance, whose name is used
// up, and which cannot be opened from another machine: anonymous ones cannot be overlapped. The caller closes both.
Result<Pipe> make_pipe(bool we_write) noexcept;

}  // namespace weir::platform
