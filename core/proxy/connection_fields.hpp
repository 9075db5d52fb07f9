#pragma once
// What the fields of a head say about the connection it came on beyond one exchange: who has logged in on it, and how long
// its server keeps it. They are lists: every member of every line counts. Pure; any thread.

#include "core/base/time.hpp"
#include "core/http/head.hpp"

namespace weir::proxy {

// The request logs in by NTLM or Negotiate, which servers take for a login of the connection it comes on: whatever
// follows there is answered as that user (RFC 4559 section 6).
bool logs_in(const http::RequestHead& head) noexcept;
// The response begins such a login: a 401 or 407 that offers it. What follows belongs on the same connection.
bool offers_login(const http::ResponseHead& head) noexcept;

// Keep-Alive: timeout=N, how long the sender keeps the connection while nothing comes; the least of several. Negative:
// nothing that could be read was said.
Duration announced_timeout(const http::Head& head) noexcept;

}  // namespace weir::proxy
