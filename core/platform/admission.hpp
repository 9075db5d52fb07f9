#pragma once
// Closing a listening socket without losing a client. Connections that complete between the last accept and the close
// are reset by the system; a socket that no longer admits connections has no such moment.

#include "core/reactor/handle.hpp"

namespace weir::platform {

// From now on no connection to this listening TCP socket begins. Those that have begun complete within a moment and can
// be accepted. A client that tries meanwhile waits, and is refused once the socket closes. Where the system only bounds
// its backlog, at most one slips in. False: it can do neither, and nothing has changed.
bool admit_no_more(NativeHandle listener) noexcept;

}  // namespace weir::platform
