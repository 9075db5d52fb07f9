#include "tests/support/test_child.hpp"

#include <cstdlib>

namespace weir {

std::string test_child_path() {
  const char* const elsewhere = std::getenv("WEIR_TEST_CHILD");
  return elsewhere != nullptr ? elsewhere : WEIR_TEST_CHILD;
}

}  // namespace weir
