#include "core/platform/child.hpp"

namespace weir::platform {

Error spawn(ChildProcess&, const SpawnSpec&) noexcept { return Errc::unknown; }

void kill_tree(ChildProcess&) noexcept {}

}  // namespace weir::platform
