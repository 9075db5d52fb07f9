// What an op and a handle cost: two ops and a handle live in every stream.

#include "core/reactor/op.hpp"

#include "core/reactor/handle.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

TEST_CASE("an op and a handle have the size that was reviewed") {
  if (sizeof(void*) == 8) {
    CHECK(sizeof(Op) == 128);
    CHECK(sizeof(Handle) <= 40);
  }
}
