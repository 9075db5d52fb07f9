#pragma once
// Where the test child is (tests/support/child.cpp). A suite that runs elsewhere than it was built says so in the
// environment.

#include <cstdlib>
#include <string>

namespace weir {

inline std::string test_child_path() {
  const char* const elsewhere = std::getenv("WEIR_TEST_CHILD");
  return elsewhere != nullptr ? elsewhere : WEIR_TEST_CHILD;
}

}  // namespace weir
