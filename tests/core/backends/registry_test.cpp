// The choice of a backend by name.

#include "core/backends/registry.hpp"

#include <algorithm>
#include <set>

#include "core/reactor/platforms.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

namespace {

// The kqueue of libkqueue on Linux: no platform has it, a build may.
bool stands_in(std::string_view name) {
  return std::ranges::any_of(compiled_backends(), [&](const BackendInfo& it) { return it.by_name_only && it.name == name; });
}

}  // namespace

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

TEST_CASE("auto never is a backend that stands in for another system's") {
  for (const BackendInfo& info : compiled_backends()) {
    if (!info.by_name_only) continue;
    CAPTURE(info.name);
    std::vector<std::string> passed_over;
    auto backend = make_backend("auto", &passed_over);
    REQUIRE(backend.has_value());
    CHECK((*backend)->capabilities().name != info.name);
    for (const std::string& reason : passed_over) CHECK_FALSE(reason.starts_with(info.name));
  }
  const BackendInfo& last = compiled_backends().back();
  for (const BackendInfo& info : compiled_backends()) CHECK((!info.by_name_only || info.name == last.name));
}

TEST_CASE("an unknown backend is refused with the list of those there are") {
  const auto backend = make_backend("epol");
  REQUIRE_FALSE(backend.has_value());
  CHECK(backend.error().find("\"epol\"") != std::string::npos);
  CHECK(backend.error().find("auto") != std::string::npos);
  for (const BackendInfo& info : compiled_backends()) { CHECK(backend.error().find(info.name) != std::string::npos); }
}

TEST_CASE("a backend of another system is refused with the reason and the list of those there are") {
  for (const std::string_view name : backend_names()) {
    const Ruling ruled = ruling({compiled_os(), 0, *backend_named(name)}, Feature::this_backend);
    if (ruled.allowed || stands_in(name)) continue;
    CAPTURE(name);
    const auto backend = make_backend(name);
    REQUIRE_FALSE(backend.has_value());
    CHECK(backend.error().find(restriction(ruled.rule)->sentence) == 0);
    CHECK(backend.error().find("here: auto, ") != std::string::npos);
  }
}

TEST_CASE("what was compiled in exists here, in the order of the documented preference") {
  std::vector<BackendKind> documented, compiled;
  for (const Platform& platform : every_platform()) {
    if (platform.os == compiled_os() && platform.version == 0) documented.push_back(platform.backend);
  }
  for (const BackendInfo& info : compiled_backends()) {
    if (info.by_name_only) continue;
    compiled.push_back(info.kind);
    CHECK(info.name == name_of(info.kind));
    CHECK(exists({compiled_os(), 0, info.kind}));
  }
  std::erase_if(documented, [&](BackendKind kind) { return std::ranges::count(compiled, kind) == 0; });
  CHECK(documented == compiled);
}
