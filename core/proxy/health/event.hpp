#pragma once
// HealthEvent: what health checks have to report about an endpoint, and its line in the log. A plain value; any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::proxy {

// The views live as long as the call.
struct HealthEvent {
  enum class What : std::uint8_t {
    up,
    down,
    unknown,  // a check could not be made; reported once, until one can
  };
  What what = What::up;
  std::string_view upstream, endpoint;
  std::string_view check;        // "tcp", "http", "script"
  std::string_view reason;       // of the last result: "status 503"
  std::string_view output;       // of a script
  std::size_t up = 0, all = 0;   // endpoints of this upstream, this one included
};

// "endpoint is down upstream=app endpoint=10.0.0.1:80 up=1/2 check=http reason="status 503"".
std::string text_of(const HealthEvent& event);

}  // namespace weir::proxy
