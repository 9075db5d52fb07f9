// The choice of a backend by name, and the size of an op.

#include "core/backends/registry.hpp"

#include <set>

#include "core/reactor/op.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

TEST_CASE("every compiled backend can be made by its name, and names itself so") {
  std::set<std::string_view> names;
  REQUIRE(!compiled_backends().empty());
  for (const BackendInfo& info : compiled_backends()) {
    CAPTURE(info.name);
    CHECK(names.insert(info.name).second);
    auto backend = make_backend(info.name);
    REQUIRE(backend.has_value());
    CHECK((*backend)->capabilities().name == info.name);
    CHECK((*backend)->capabilities().platform.backend == info.kind);
    CHECK((*backend)->capabilities().platform.os == compiled_os());
  }
}

TEST_CASE("auto is the first backend that works, with reasons for those passed over") {
  std::vector<std::string> passed_over;
  auto backend = make_backend("auto", &passed_over);
  REQUIRE(backend.has_value());
  std::size_t position = 0;
  while (compiled_backends()[position].name != (*backend)->capabilities().name) ++position;
  CHECK(passed_over.size() == position);
}

TEST_CASE("an unknown backend is refused with the list of those there are") {
  const auto backend = make_backend("epol");
  REQUIRE_FALSE(backend.has_value());
  CHECK(backend.error().find("\"epol\"") != std::string::npos);
  CHECK(backend.error().find("auto") != std::string::npos);
  for (const BackendInfo& info : compiled_backends()) { CHECK(backend.error().find(info.name) != std::string::npos); }
}

TEST_CASE("an op and a handle have the size that was reviewed") {
  if (sizeof(void*) == 8) {
    CHECK(sizeof(Op) == 128);
    CHECK(sizeof(Handle) <= 40);
  }
}
