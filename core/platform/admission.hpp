#pragma once
// Closing a listening socket without losing anybody. Connections that complete between the last accept and the close
// are reset by the system; a socket that admits nobody any more has no such moment.

#include "core/reactor/handle.hpp"

namespace weir::platform {

// From now on no connection to this listening TCP socket begins. Those that have begun complete within a moment and can
// be accepted. Whoever tries meanwhile waits, and is refused once the socket is closed. Where the system can only bound
// its backlog, at most one slips in. False: it can do neither, and nothing has changed.
bool admit_no_more(NativeHandle listener) noexcept;

}  // namespace weir::platform
