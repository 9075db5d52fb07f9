#pragma once
// Where the test child is (tests/support/child.cpp). A suite that runs elsewhere than it was built says so in the
// environment.

#include <string>

namespace weir {

std::string test_child_path();  // WEIR_TEST_CHILD, else where it was built

}  // namespace weir
