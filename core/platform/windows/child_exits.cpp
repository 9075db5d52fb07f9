// Every process has a handle of its own here that can be waited on: there is nothing to announce.

#include "core/platform/child_exits.hpp"

namespace weir::platform {

void ChildExits::announce_to(Wakeup&) noexcept {}
ChildExits::~ChildExits() = default;

}  // namespace weir::platform
