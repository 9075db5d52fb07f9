// The parts that the router is made of, each by itself.

#include "core/proxy/route_conditions.hpp"
#include "core/proxy/route_hosts.hpp"
#include "core/proxy/route_paths.hpp"
#include "tests/core/proxy/heads.hpp"

namespace weir::proxy::test {
namespace {

constexpr std::uint32_t none = HashIndex::none;

TEST_CASE("A hash index finds what was inserted, however often it grew") {
  HashIndex index;
  const auto same = [](std::uint32_t wanted) { return [wanted](std::uint32_t at) { return at == wanted; }; };
  for (std::uint32_t i = 0; i < 1000; ++i) index.insert(i % 10, i);  // many of one hash
  for (std::uint32_t i = 0; i < 1000; ++i) REQUIRE(index.find(i % 10, same(i)) == i);
  CHECK(index.find(3, same(4)) == none);
  CHECK(index.find(10, same(10)) == none);
  CHECK(HashIndex().find(0, same(0)) == none);
}

TEST_CASE("A hash depends on text, length and seed, and ignores case where it is told to") {
  CHECK(hash_of("example.com", 0, 0x20) == hash_of("EXAMPLE.com", 0, 0x20));
  CHECK(hash_of("example.com", 0, 0) != hash_of("EXAMPLE.com", 0, 0));
  CHECK(hash_of("a", 0, 0) != hash_of("a", 1, 0));
  CHECK(hash_of("", 0, 0) != hash_of(std::string_view("\0", 1), 0, 0));
}

// What each path of a range leads to, in the order in which it is looked at.
std::vector<std::uint32_t> visited(const RoutePaths& paths, const PathRange& range, std::string_view path) {
  std::vector<std::uint32_t> firsts;
  const std::uint32_t found = paths.find(range, path, [&](CandidateRange candidates) {
    firsts.push_back(candidates.first);
    return none;
  });
  CHECK(found == none);
  return firsts;
}

TEST_CASE("Paths are visited from the exact one to the shortest prefix, few or many") {
  for (const std::uint32_t more : {0u, 20u}) {  // beyond a few they are hashed
    RoutePaths paths;
    PathRange range;
    std::uint32_t next = 0;
    paths.add(range, "/a/b", true, next++);
    for (std::uint32_t i = 0; i < more; ++i) paths.add(range, "/long-prefix/" + std::to_string(i + 100), false, next++);
    const std::uint32_t base = next;
    for (const std::string_view path : {"/a/b", "/a", ""}) paths.add(range, path, false, next++);
    paths.finish(range);
    using List = std::vector<std::uint32_t>;
    CHECK(visited(paths, range, "/a/b") == List{0, base, base + 1, base + 2});
    CHECK(visited(paths, range, "/a/b/c") == List{base, base + 1, base + 2});
    CHECK(visited(paths, range, "/a/bc") == List{base + 1, base + 2});
    CHECK(visited(paths, range, "/ab") == List{base + 2});
    CHECK(visited(paths, range, "") == List{base + 2});
  }
}

TEST_CASE("Candidates of one path are one group, and an answer ends the search") {
  RoutePaths paths;
  PathRange range;
  for (std::uint32_t i = 0; i < 3; ++i) paths.add(range, "/a", false, i);
  paths.add(range, "", false, 3);
  paths.finish(range);
  int looks = 0;
  const std::uint32_t found = paths.find(range, "/a", [&](CandidateRange candidates) {
    ++looks;
    CHECK(candidates.count == 3);
    return candidates.first + 2;
  });
  CHECK(found == 2);
  CHECK(looks == 1);
}

TEST_CASE("Paths of one host are not found under another") {
  RoutePaths paths;
  PathRange one, other, empty;
  for (std::uint32_t i = 0; i < 10; ++i) paths.add(one, "/one/" + std::to_string(i), false, i);
  paths.finish(one);
  for (std::uint32_t i = 0; i < 10; ++i) paths.add(other, "/other/" + std::to_string(i), false, 10 + i);
  paths.finish(other);
  CHECK(visited(paths, one, "/one/3") == std::vector<std::uint32_t>{3});
  CHECK(visited(paths, other, "/one/3").empty());
  CHECK(visited(paths, other, "/other/3") == std::vector<std::uint32_t>{13});
  CHECK(visited(paths, empty, "/one/3").empty());
}

TEST_CASE("Hosts are visited from the exact one over the longest wildcard to any") {
  RouteHosts hosts;
  std::uint32_t mark = 0;
  for (const std::string_view key : {"", "a.b.test", ".b.test", ".test"}) hosts.add(key).first_group = mark++;
  hosts.finish();
  CHECK(hosts.add("A.B.TEST").first_group == 1);  // known, in any case
  const auto visit = [&](std::string_view host) {
    std::vector<std::uint32_t> marks;
    hosts.find(host, [&](const PathRange& range) {
      marks.push_back(range.first_group);
      return none;
    });
    return marks;
  };
  using List = std::vector<std::uint32_t>;
  CHECK(visit("a.b.test") == List{1, 2, 3, 0});
  CHECK(visit("A.B.Test.:80") == List{1, 2, 3, 0});
  CHECK(visit("b.test") == List{3, 0});
  CHECK(visit("test") == List{0});
  CHECK(visit(".test") == List{0});
  CHECK(visit("") == List{0});
}

TEST_CASE("A listener set has the listeners it names, in any number") {
  std::vector<ListenerSpec> listeners(130);
  for (std::size_t i = 0; i < listeners.size(); ++i) listeners[i].name = "l" + std::to_string(i);
  ListenerSets sets(listeners);
  CHECK(sets.add({}, listeners) == ListenerSets::every);
  const std::uint32_t some = sets.add({"l0", "l63", "l64", "l129", "unknown"}, listeners);
  const std::uint32_t other = sets.add({"l1"}, listeners);
  for (std::uint32_t i = 0; i < 130; ++i) {
    CHECK(sets.contains(some, i) == (i == 0 || i == 63 || i == 64 || i == 129));
    CHECK(sets.contains(other, i) == (i == 1));
  }
  CHECK(sets.contains(ListenerSets::every, 5000));
  CHECK_FALSE(sets.contains(some, 5000));
  CHECK_FALSE(sets.contains(ListenerSets::nothing, 0));
}

TEST_CASE("Where a listener redirects to https, a route without listeners is not on it") {
  std::vector<ListenerSpec> listeners(2);
  listeners[0].redirect_to_https = true;
  ListenerSets sets(listeners);
  const std::uint32_t set = sets.add({}, listeners);
  CHECK_FALSE(sets.contains(set, 0));
  CHECK(sets.contains(set, 1));
}

TEST_CASE("A candidate applies where listener, method and fields do") {
  std::vector<RouteSpec> specs(1);
  specs[0].methods = {"POST", "PURGE"};
  specs[0].headers = {{"X-A", "1"}};
  const RouteList routes{specs, {}};
  const Candidate candidate{0, ListenerSets::every, MethodSet::of(specs[0]), true};
  const auto applies = [&](std::string_view method, std::string_view value) {
    const Request request(std::string(method) + " / HTTP/1.1\r\nHost: h\r\nx-a: " + std::string(value) + "\r\n\r\n");
    return candidate.applies(routes, ListenerSets(), 0, &request.head());
  };
  CHECK(applies("POST", "1"));
  CHECK(applies("PURGE", "1"));
  CHECK_FALSE(applies("POST", "2"));
  CHECK_FALSE(applies("GET", "1"));
  CHECK_FALSE(applies("LIST", "1"));
  CHECK_FALSE(candidate.applies(routes, ListenerSets(), 0, nullptr));
  CHECK(Candidate{}.applies(routes, ListenerSets(), 0, nullptr));
}

}  // namespace
}  // namespace weir::proxy::test
