// What the process remembers by name: shared while anybody refers to it, forgotten after.
#include "core/proxy/endpoint_state.hpp"
#include "core/proxy/listener_state.hpp"
#include "tests/support/catch.hpp"

namespace weir::proxy::test {

TEST_CASE("a listener's state is one as long as anybody refers to it", "[states]") {
  ListenerStates states;
  auto first = states.of("web");
  first->connections = 3;
  CHECK(states.of("web") == first);
  CHECK(states.of("admin") != first);
  first.reset();
  CHECK(states.of("web")->connections == 0);
}

TEST_CASE("no two listeners that are referred to have the same slot, and slots are used again", "[states]") {
  ListenerStates states;
  const auto a = states.of("a");
  auto b = states.of("b");
  const auto c = states.of("c");
  CHECK(a->slot == 0);
  CHECK(b->slot == 1);
  CHECK(c->slot == 2);
  b.reset();
  const auto d = states.of("d");
  CHECK(d->slot == 1);
  CHECK(states.of("e")->slot == 3);
}

TEST_CASE("ten thousand endpoints are found again, and many that are gone are forgotten", "[states]") {
  EndpointStates states;
  std::vector<std::shared_ptr<EndpointState>> held;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::shared_ptr<EndpointState>> now;
    for (int i = 0; i < 10'000; ++i) now.push_back(states.of("app", std::to_string(round) + ":" + std::to_string(i)));
    for (int i = 0; i < 10'000; ++i) CHECK(states.of("app", std::to_string(round) + ":" + std::to_string(i)) == now[i]);
    held = std::move(now);
  }
}

}  // namespace weir::proxy::test
