#include "windows-service/patience.hpp"

#include <algorithm>

namespace weir::windows_service {
namespace {

constexpr std::chrono::milliseconds shortest_wait{50};
constexpr std::chrono::milliseconds longest_wait{1000};

}  // namespace

std::optional<std::chrono::milliseconds> Patience::next(const StatusReport& seen, Time now) noexcept {
  const bool progress = !last_ || last_->state != seen.state || last_->checkpoint != seen.checkpoint;
  if (progress) since_ = now;
  last_ = seen;
  if (now - since_ > std::max<std::chrono::milliseconds>(seen.wait_hint, least)) return std::nullopt;
  return std::clamp(seen.wait_hint / 10, shortest_wait, longest_wait);
}

}  // namespace weir::windows_service
