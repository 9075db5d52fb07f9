#pragma once
// The program that tests of child processes start, and where it is. A suite that runs elsewhere than it was built says
// so in the environment; one that is linked into weir is its own test child.

#include <string>

namespace weir {

std::string test_child_path();  // WEIR_TEST_CHILD, else where it was built

// What it does: child.cpp.
int test_child_main(int count, char** argv);

}  // namespace weir
