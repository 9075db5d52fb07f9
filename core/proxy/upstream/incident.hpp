#pragma once
// Incident: whether an endpoint fails at present, as the requests of one worker find it, and what is worth a line about
// it: each way of failing once, and once that it answers again, however many requests there are. Belongs to the endpoint;
// the worker's thread only. It takes no endpoint out of service: that is what health checks do.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/time.hpp"
#include "core/proxy/ending.hpp"

namespace weir::proxy {

// An endpoint that fails now and then, between answers, is in one incident as long as the failures are less than this
// apart: it does not write two lines for each.
inline constexpr Duration incident_gap = std::chrono::seconds{10};

class Incident {
 public:
  // An attempt failed. True: a line is due.
  bool failed(Ending how, TimePoint now) noexcept {
    if (failures_ == 0) began_ = now;
    ++failures_;
    last_ = now;
    const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(how);
    return (std::exchange(seen_, seen_ | bit) & bit) == 0;
  }
  // It answered. True: the incident is over, and a line is due; then close().
  bool answered(TimePoint now) const noexcept { return failures_ != 0 && now - last_ >= incident_gap; }
  void close() noexcept { failures_ = seen_ = 0; }

  std::uint32_t failures() const noexcept { return failures_; }  // in this incident
  Duration lasted() const noexcept { return last_ - began_; }    // from its first failure to its last

 private:
  TimePoint began_, last_;
  std::uint32_t failures_ = 0;
  std::uint32_t seen_ = 0;  // a bit for each Ending that was told
};

// Whether it is the endpoint's doing that an attempt ended so.
bool blames_endpoint(Ending ending) noexcept;

// "endpoint fails upstream=app endpoint=10.0.0.1:80 ending=bad_response word=bad-length failures=1"
std::string text_of_failure(std::string_view upstream, std::string_view endpoint, Ending ending, std::string_view word,
                            const Incident& incident);
// "endpoint answers again upstream=app endpoint=10.0.0.1:80 failures=31 for_ms=5000"
std::string text_of_recovery(std::string_view upstream, std::string_view endpoint, const Incident& incident);

}  // namespace weir::proxy
