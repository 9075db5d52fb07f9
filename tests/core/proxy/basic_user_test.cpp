// The user of Basic credentials.
#include "core/proxy/basic_user.hpp"

#include <array>
#include <string>

#include "tests/support/catch.hpp"

namespace weir::proxy::test {
namespace {

std::string user_of(std::string_view authorization) {
  std::array<char, 8> room;
  return std::string(basic_user(authorization, room));
}

TEST_CASE("The user of Basic credentials is what comes before the colon") {
  CHECK(user_of("Basic YWxpY2U6c2VjcmV0") == "alice");  // alice:secret
  CHECK(user_of("basic  YWxpY2U6c2VjcmV0") == "alice");
  CHECK(user_of("Basic YTo=") == "a");     // a:
  CHECK(user_of("Basic YTpiOmM=") == "a");  // a:b:c
  CHECK(user_of("Basic OnNlY3JldA==").empty());  // :secret
}

TEST_CASE("Without Basic credentials there is no user") {
  CHECK(user_of("").empty());
  CHECK(user_of("Basic").empty());
  CHECK(user_of("Basic ").empty());
  CHECK(user_of("Bearer YWxpY2U6c2VjcmV0").empty());
  CHECK(user_of("Basic YWxpY2U=").empty());  // alice: a token, perhaps
  CHECK(user_of("Basic YWxp*2U6").empty());
}

TEST_CASE("A long user is cut to the room there is") { CHECK(user_of("Basic YWFhYWFhYWFhYWFhOmI=") == "aaaaaaaa"); }

}  // namespace
}  // namespace weir::proxy::test
