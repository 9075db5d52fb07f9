// TriedSet: what was added is in it and nothing else, at every size.
#include "core/proxy/upstream/tried_set.hpp"

#include <cstdlib>

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

TEST_CASE("a new set of tried endpoints is empty", "[tried]") {
  const TriedSet tried;
  CHECK(tried.empty());
  for (std::size_t i : {0, 1, 63, 64, 127, 128, 200, 100'000}) CHECK_FALSE(tried.contains(i));
}

TEST_CASE("each index is one of its own, whatever its number", "[tried]") {
  for (std::size_t added : {0, 1, 62, 63, 64, 65, 127, 128, 199, 1000}) {
    TriedSet tried;
    tried.add(added);
    CHECK_FALSE(tried.empty());
    for (std::size_t i = 0; i < 1100; ++i) {
      if (tried.contains(i) != (i == added)) FAIL("after adding " << added << ", " << i << " is told wrongly");
    }
  }
}

TEST_CASE("indices are kept beside each other", "[tried]") {
  TriedSet tried;
  for (std::size_t i = 0; i < 200; i += 3) tried.add(i);
  for (std::size_t i = 0; i < 200; i += 3) tried.add(i);  // twice is once
  for (std::size_t i = 0; i < 200; ++i) CHECK(tried.contains(i) == (i % 3 == 0));
}

}  // namespace
}  // namespace weir::proxy::test
