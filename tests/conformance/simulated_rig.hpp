#pragma once
// The simulator as any platform, for tests that ask every platform the same. One thread, as every Rig.

#include <memory>

#include "tests/conformance/rig.hpp"

namespace weir::conformance {

std::unique_ptr<Rig> make_rig(const Platform& platform);

}  // namespace weir::conformance
