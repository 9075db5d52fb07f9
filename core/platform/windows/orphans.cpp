#include "core/platform/orphans.hpp"

namespace weir::platform {

// A process that has ended is gone once its last handle is closed: there is nothing to reap.
void adopt_orphans() noexcept {}
void reap_orphans() noexcept {}

}  // namespace weir::platform
