#pragma once
// Descriptors and the calls on them, for backends: creating sockets, taking descriptors over, one non-blocking attempt
// of an operation. Owns nothing but what it opens into a Handle. The thread of the handle. Never blocks, never waits.

#include "core/base/address.hpp"
#include "core/base/error.hpp"
#include "core/reactor/backend.hpp"

namespace weir::platform {

// Opens by `spec` into a closed handle. A regular file is refused with its rule and stays with the caller.
Error open(Handle& handle, const OpenSpec& spec) noexcept;

// Closes the descriptor, or reaps the child, and makes the handle as new. The attachment to a backend is the backend's to undo first.
void close(Handle& handle) noexcept;

void shutdown(Handle& handle, Direction direction) noexcept;
void abort_on_close(Handle& handle) noexcept;

// Where a socket is bound, and who is at its other end. A unix path is left out.
Result<Address> local_address(const Handle& handle) noexcept;
Result<Address> peer_address(const Handle& handle) noexcept;

enum class Attempt : std::uint8_t {
  done,         // the result is in the op
  done_short,   // likewise, and less moved than was asked for: trying again at once would block
  would_block,  // nothing happened
};

// One attempt that does not block. For a connect it begins the connection; its outcome is finish_connect's to tell,
// once the handle has become writable.
Attempt perform(Op& op) noexcept;
Attempt finish_connect(Op& op) noexcept;

}  // namespace weir::platform
