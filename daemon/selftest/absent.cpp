#include "daemon/selftest.hpp"

namespace weir::daemon {

Suite linked_suite() noexcept { return nullptr; }

std::optional<int> run_as_test_child(int, char**) { return std::nullopt; }

}  // namespace weir::daemon
