// RequestIds: their form, and that none comes twice.
#include "core/proxy/request_ids.hpp"

#include <set>
#include <string>

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

std::string next(RequestIds& ids) {
  std::string text(RequestIds::size, '?');
  ids.write(text.data());
  return text;
}

TEST_CASE("a request id is 32 lower-case hexadecimal digits", "[ids]") {
  RequestIds ids(1);
  for (int i = 0; i < 100; ++i) {
    const std::string id = next(ids);
    CAPTURE(id);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
  }
}

TEST_CASE("request ids of one source and of several differ", "[ids]") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RequestIds ids(seed);
    for (int i = 0; i < 100; ++i) CHECK(seen.insert(next(ids)).second);
  }
}

TEST_CASE("the same seed gives the same request ids", "[ids]") {
  RequestIds one(7), other(7);
  for (int i = 0; i < 3; ++i) CHECK(next(one) == next(other));
}

}  // namespace
}  // namespace weir::proxy::test
