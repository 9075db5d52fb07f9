#pragma once
// Cut: why an exchange, or one attempt of it, ended early. The first cause wins; how the log calls it, what the client is
// answered and whether the request may be tried again all follow from it by one table. Pure; any thread.

#include <cstdint>

#include "core/base/error.hpp"
#include "core/proxy/ending.hpp"

namespace weir::proxy {

enum class Cut : std::uint8_t {
  none,
  // The client's doing, or weir's own: the exchange is over, whatever the upstream does.
  client_gone,         // reset, closed in the middle of its body, or half-closed for too long
  client_timeout,      // neither read nor sent for too long
  head_timeout,        // did not send its whole head in time
  bad_body,            // its chunked coding is broken
  body_too_large,      // beyond the route's max_body
  total_timeout,
  stopped,             // shutdown
  // Of one attempt: another one may follow.
  no_endpoint,         // none with a weight, or one without an address
  all_down,
  connect_refused,
  connect_timeout,
  overloaded,          // weir lacks descriptors, memory or room
  upstream_closed,
  upstream_reset,
  upstream_timeout,
  bad_response,
};

enum class Retry : std::uint8_t {
  never,
  elsewhere,          // the request was not sent: another endpoint may take it
  if_unanswered,      // sent on a kept connection and nothing came back: once more, on a fresh one (RFC 9110 section 9.2.2)
};

struct CutFacts {
  Ending ending;
  std::uint16_t status;  // for a client that was sent nothing so far; 0: there is no client to answer
  Retry retry;
};
const CutFacts& facts_of(Cut cut) noexcept;

// What an error says that sending to or receiving from an upstream ended with.
Cut cut_of_upstream(const Error& error) noexcept;
// The same of opening or connecting a stream to one: nothing was sent yet.
Cut cut_of_connect(const Error& error) noexcept;
// The same of an error towards a client.
Cut cut_of_client(const Error& error) noexcept;

}  // namespace weir::proxy
