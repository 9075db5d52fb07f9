// Lines 6 and 7: closing, reuse of descriptors, events that are late.

#include <array>

#include "core/reactor/restrictions.hpp"
#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

bool completes_by_itself(Rig& rig) {
  const BackendKind kind = rig.backend().capabilities().platform.backend;
  return kind == BackendKind::io_uring || kind == BackendKind::iocp;
}

}  // namespace

BACKEND_TEST("a closed handle can be opened again, and its slot is another generation") {
  // iocp has no table of handles: the kernel names the op itself, so no event can be taken for another handle's.
  const bool has_slots = rig.backend().capabilities().platform.backend != BackendKind::iocp;
  Handle client, server;
  Closing closing(rig, {&client, &server});
  for (int round = 0; round < 20; ++round) {
    rig.connect(client, server);
    CHECK(rig.send_all(client, "round") == 5);
    CHECK(rig.receive(server, 5) == "round");
    const std::uint32_t slot = client.slot;
    const std::uint32_t generation = client.generation;
    rig.backend().close(client);
    CHECK_FALSE(client.is_open());
    rig.open_stream(client);
    if (has_slots) CHECK((client.slot != slot || client.generation != generation));
    rig.backend().close(client);
    rig.backend().close(server);
  }
}

// The descriptor number, the slot and the place in memory are all used again while the old one's events are under way.
BACKEND_TEST("an event for an earlier generation reaches nobody and is counted") {
  constexpr std::size_t count = 96;  // more than one wait dispatches
  std::vector<Handle> clients(count), servers(count);
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  std::vector<std::unique_ptr<Flight>> flights;
  std::vector<std::array<char, 8>> memory(count);
  for (std::size_t i = 0; i < count; ++i) {
    rig.connect(listener, clients[i], servers[i]);
    closing.add(clients[i]);
    closing.add(servers[i]);
    flights.push_back(std::make_unique<Flight>(servers[i], OpKind::recv));
    flights[i]->memory = {memory[i].data(), memory[i].size()};
    REQUIRE(rig.submit(*flights[i]) == Submit::pending);
  }
  for (Handle& client : clients) rig.send_all(client, "old");
  rig.wait(rig.far_ahead());  // collects the events, dispatches some
  std::vector<std::size_t> cancelled;
  for (std::size_t i = 0; i < count; ++i) {
    if (flights[i]->ended()) continue;
    rig.cancel(*flights[i]);
    cancelled.push_back(i);
  }
  // No system has been asked since. Shutting down fires once more, without a waiter.
  std::size_t closed = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!servers[i].quiet()) continue;
    rig.backend().shutdown(servers[i], Direction::in);
    rig.backend().close(servers[i]);
    rig.open_stream(servers[i]);
    ++closed;
  }
  rig.settle();
  for (const std::size_t i : cancelled) CHECK(flights[i]->completions == 1);
  CHECK(closed > 0);
  if (!completes_by_itself(rig)) CHECK(rig.backend().counters().stale_events > 0);
  // Those that took the places work, and see only what is theirs.
  for (std::size_t i = 0; i < count; ++i) {
    if (servers[i].is_open()) rig.backend().close(servers[i]);
    rig.backend().close(clients[i]);
    rig.connect(listener, clients[i], servers[i]);
    CHECK(rig.send_all(clients[i], "new") == 3);
    CHECK(rig.receive(servers[i], 3) == "new");
  }
}

BACKEND_TEST("closing one of many in flight leaves the others alone") {
  constexpr std::size_t count = 10;
  std::vector<Handle> clients(count), servers(count);
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  std::vector<std::unique_ptr<Flight>> flights;
  std::vector<std::array<char, 8>> memory(count);
  for (std::size_t i = 0; i < count; ++i) {
    rig.connect(listener, clients[i], servers[i]);
    closing.add(clients[i]);
    closing.add(servers[i]);
    flights.push_back(std::make_unique<Flight>(servers[i], OpKind::recv));
    flights[i]->memory = {memory[i].data(), memory[i].size()};
    REQUIRE(rig.submit(*flights[i]) == Submit::pending);
  }
  for (std::size_t i = 0; i < count; i += 2) {
    rig.cancel(*flights[i]);
    rig.finish(*flights[i]);
    rig.backend().close(servers[i]);
    rig.backend().close(clients[i]);
  }
  for (std::size_t i = 1; i < count; i += 2) rig.send_all(clients[i], std::to_string(i));
  for (std::size_t i = 1; i < count; i += 2) {
    if (!flights[i]->ended()) rig.finish(*flights[i]);
    CHECK(std::string_view(memory[i].data(), flights[i]->bytes) == std::to_string(i));
  }
}

BACKEND_TEST("an accepted handle can be closed without having been attached") {
  Handle listener, client, server;
  Closing closing(rig, {&listener, &client});
  rig.listen(listener);
  const Address to = rig.address_of(listener);
  rig.open_stream(client);
  Flight connecting(client, OpKind::connect);
  connecting.connect = {&to};
  Flight accepting(listener, OpKind::accept);
  accepting.accept = {&server, nullptr};
  const Submit begun = rig.submit(connecting);
  rig.run(accepting);
  if (begun == Submit::pending && !connecting.ended()) rig.finish(connecting);
  REQUIRE(server.is_open());
  rig.backend().close(server);
  CHECK(rig.receive_all(client).empty());
}
