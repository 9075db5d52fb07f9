#include "core/proxy/ending.hpp"

namespace weir::proxy {

std::string_view word_of(Ending ending) noexcept {
  switch (ending) {
    case Ending::ok: return "ok";
    case Ending::responded: return "responded";
    case Ending::bad_request: return "bad_request";
    case Ending::no_route: return "no_route";
    case Ending::body_too_large: return "body_too_large";
    case Ending::head_timeout: return "head_timeout";
    case Ending::client_closed: return "client_closed";
    case Ending::client_timeout: return "client_timeout";
    case Ending::connect_refused: return "connect_refused";
    case Ending::connect_timeout: return "connect_timeout";
    case Ending::no_endpoint: return "no_endpoint";
    case Ending::all_down: return "all_down";
    case Ending::upstream_closed: return "upstream_closed";
    case Ending::upstream_reset: return "upstream_reset";
    case Ending::upstream_timeout: return "upstream_timeout";
    case Ending::bad_response: return "bad_response";
    case Ending::total_timeout: return "total_timeout";
    case Ending::overloaded: return "overloaded";
    case Ending::stopped: return "stopped";
    case Ending::tunnel_closed: return "tunnel_closed";
  }
  return "unknown";
}

}  // namespace weir::proxy
