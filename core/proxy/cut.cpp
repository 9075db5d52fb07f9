#include "core/proxy/cut.hpp"

#include <cstddef>

namespace weir::proxy {

const CutFacts& facts_of(Cut cut) noexcept {
  // In the order of the enum; a test walks it.
  static constexpr CutFacts table[] = {
      {Ending::ok, 0, Retry::never},                          // none
      {Ending::client_closed, 0, Retry::never},               // client_gone
      {Ending::client_timeout, 408, Retry::never},            // client_timeout
      {Ending::head_timeout, 408, Retry::never},              // head_timeout
      {Ending::bad_request, 400, Retry::never},               // bad_body
      {Ending::body_too_large, 413, Retry::never},            // body_too_large
      {Ending::total_timeout, 504, Retry::never},             // total_timeout
      {Ending::stopped, 0, Retry::never},                     // stopped
      {Ending::no_endpoint, 503, Retry::elsewhere},           // no_endpoint
      {Ending::all_down, 503, Retry::never},                  // all_down
      {Ending::connect_refused, 502, Retry::elsewhere},       // connect_refused
      {Ending::connect_timeout, 504, Retry::elsewhere},       // connect_timeout
      {Ending::overloaded, 503, Retry::elsewhere},            // overloaded
      {Ending::upstream_closed, 502, Retry::if_unanswered},   // upstream_closed
      {Ending::upstream_reset, 502, Retry::if_unanswered},    // upstream_reset
      {Ending::upstream_timeout, 504, Retry::never},          // upstream_timeout
      {Ending::bad_response, 502, Retry::never},              // bad_response
  };
  static_assert(sizeof table / sizeof table[0] == static_cast<std::size_t>(Cut::bad_response) + 1);
  return table[static_cast<std::size_t>(cut)];
}

Cut cut_of_upstream(const Error& error) noexcept {
  switch (error.code) {
    case Errc::descriptor_limit:
    case Errc::not_supported:
    case Errc::out_of_memory:
    case Errc::bad_argument:
    case Errc::limit_exceeded: return Cut::overloaded;
    case Errc::connection_reset:
    case Errc::connection_aborted:
    case Errc::broken_pipe: return Cut::upstream_reset;
    default: return Cut::upstream_closed;
  }
}

Cut cut_of_connect(const Error& error) noexcept {
  return cut_of_upstream(error) == Cut::overloaded ? Cut::overloaded : Cut::connect_refused;
}

Cut cut_of_client(const Error& error) noexcept {
  switch (error.code) {
    case Errc::descriptor_limit:
    case Errc::not_supported:
    case Errc::out_of_memory:
    case Errc::bad_argument:
    case Errc::limit_exceeded: return Cut::overloaded;
    default: return Cut::client_gone;
  }
}

}  // namespace weir::proxy
