#pragma once
// How an exchange ended, as one short stable word for logs and metrics.

#include <cstdint>
#include <string_view>

namespace weir::proxy {

enum class Ending : std::uint8_t {
  ok,                  // answered by an upstream
  responded,           // answered by weir as configured: respond, redirect
  bad_request,         // refused while parsing: 400, 414, 431, 501, 505
  no_route,            // 404
  body_too_large,      // 413
  head_timeout,        // 408
  client_closed,       // the client left before the answer was complete
  client_timeout,      // the client neither read nor wrote for too long
  connect_refused,     // no endpoint accepted: 502
  connect_timeout,     // 504
  no_endpoint,         // none with a weight, or name not resolved: 503
  all_down,            // health checks have found no endpoint to be up: 503
  upstream_closed,     // ended before the answer was complete: 502, or a cut response
  upstream_reset,      // same, with a reset
  upstream_timeout,    // 504, or a cut response
  bad_response,        // refused while parsing: 502
  total_timeout,       // 504, or a cut response
  overloaded,          // out of descriptors or buffers: 503
  stopped,             // cut by the end of a shutdown
  tunnel_closed,       // a tunnel ended in order
};

std::string_view word_of(Ending ending) noexcept;

}  // namespace weir::proxy
