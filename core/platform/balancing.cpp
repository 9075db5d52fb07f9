#include "core/platform/balancing.hpp"

#include "core/platform/fallbacks.hpp"

namespace weir::platform {

bool balances_listeners() noexcept {
#ifdef __linux__
  return !fallbacks_forced();
#else
  return false;
#endif
}

}  // namespace weir::platform
