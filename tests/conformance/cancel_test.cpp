// Line 5: cancel ends an op within one wait, as cancelled or with its real result; and nothing is lost by it.

#include <algorithm>
#include <array>

#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

// Cancels an op that is in flight and looks once.
void cancel_within_one_wait(Rig& rig, Flight& op) {
  REQUIRE(op.state == OpState::in_flight);
  rig.cancel(op);
  CHECK(rig.poll() == 1);
  CHECK(op.completions == 1);
  CHECK(op.code() == Errc::cancelled);
  CHECK(op.bytes == 0);
}

}  // namespace

BACKEND_TEST("a cancelled accept ends within one wait, and the next one works") {
  Handle listener, client, server;
  Closing closing(rig, {&listener, &client, &server});
  rig.listen(listener);
  Handle unused;
  Flight accepting(listener, OpKind::accept);
  accepting.accept = {&unused, nullptr};
  CHECK(rig.submit(accepting) == Submit::pending);
  cancel_within_one_wait(rig, accepting);
  CHECK_FALSE(unused.is_open());
  rig.connect(listener, client, server);
  CHECK(rig.send_all(client, "x") == 1);
  CHECK(rig.receive(server, 1) == "x");
}

BACKEND_TEST("a cancelled connect ends within one wait") {
  Handle listener, client;
  Closing closing(rig, {&listener, &client});
  rig.listen(listener);
  const Address to = rig.address_of(listener);
  rig.open_stream(client);
  Flight connecting(client, OpKind::connect);
  connecting.connect = {&to};
  CHECK(rig.submit(connecting) == Submit::pending);
  cancel_within_one_wait(rig, connecting);
}

BACKEND_TEST("cancelled receives end within one wait and lose no bytes") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  char memory[16];
  BufferPool pool;
  for (int round = 0; round < 10; ++round) {
    Flight plain(server, OpKind::recv);
    plain.memory = {memory, sizeof memory};
    CHECK(rig.submit(plain) == Submit::pending);
    cancel_within_one_wait(rig, plain);
    Buffer into;
    Flight leased(server, OpKind::recv_leased);
    leased.lease = {&into, &pool};
    CHECK(rig.submit(leased) == Submit::pending);
    cancel_within_one_wait(rig, leased);
    CHECK(rig.send_all(client, "round") == 5);
    CHECK(rig.receive(server, 5) == "round");
  }
}

BACKEND_TEST("a cancelled send ends within one wait, and the stream goes on") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  rig.narrow(client);
  REQUIRE(rig.fill(client) == Errc::ok);
  const IoSlice slice(std::string_view("never sent"));
  Flight sending(client, OpKind::send);
  sending.slices = {&slice, 1};
  // There may be room again by now, or until the cancel: then it was sent, and says so.
  if (rig.submit(sending) == Submit::pending) {
    rig.cancel(sending);
    CHECK(rig.poll() == 1);
    CHECK(sending.completions == 1);
  }
  const bool cancelled = sending.code() == Errc::cancelled;
  CHECK(sending.bytes == (cancelled ? 0 : slice.size));
  rig.backend().shutdown(client, Direction::out);
  const std::string all = rig.receive_all(server);
  CHECK(all.size() >= 4096);
  CHECK(all.substr(std::min(all.find_first_not_of('f'), all.size())) == (cancelled ? "" : "never sent"));
}

BACKEND_TEST("cancelled reads, writes and watches end within one wait") {
  if (!rig.backend().capabilities()[Feature::pipes].allowed) {
    SUCCEED("refused by " << restriction(rig.backend().capabilities()[Feature::pipes].rule)->id);
    return;
  }
  const Natives ends = rig.make_pipe();
  Handle reader, writer;
  Closing closing(rig, {&reader, &writer});
  rig.adopt(reader, ends.first);
  rig.adopt(writer, ends.second);
  char memory[16];
  Flight reading(reader, OpKind::read);
  reading.memory = {memory, sizeof memory};
  CHECK(rig.submit(reading) == Submit::pending);
  cancel_within_one_wait(rig, reading);
  const bool can_watch = rig.backend().capabilities()[Feature::watch_pipe].allowed;
  if (can_watch) {
    Flight watching(reader, OpKind::watch_read);
    CHECK(rig.submit(watching) == Submit::pending);
    cancel_within_one_wait(rig, watching);
  }
  REQUIRE(rig.fill(writer) == Errc::ok);
  const IoSlice slice(std::string_view("never"));
  Flight writing(writer, OpKind::write);
  writing.slices = {&slice, 1};
  CHECK(rig.submit(writing) == Submit::pending);
  cancel_within_one_wait(rig, writing);
  if (can_watch) {
    Flight watching(writer, OpKind::watch_write);
    CHECK(rig.submit(watching) == Submit::pending);
    cancel_within_one_wait(rig, watching);
  }
}

BACKEND_TEST("both directions of a handle are cancelled together") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  rig.narrow(client);
  REQUIRE(rig.fill(client) == Errc::ok);
  char memory[16];
  Flight reading(client, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  const IoSlice slice(std::string_view("x"));
  Flight writing(client, OpKind::send);
  writing.slices = {&slice, 1};
  rig.submit(reading);
  rig.submit(writing);
  if (!reading.ended()) rig.cancel(reading);
  if (!writing.ended()) rig.cancel(writing);
  rig.poll();
  CHECK(reading.completions == 1);
  CHECK(writing.completions == 1);
  CHECK(client.quiet());
}

// The bytes are there but not yet seen: the cancel may win or come too late, but it wins or loses whole.
BACKEND_TEST("a cancel that races with a result gives exactly one of the two") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  std::string expected, got;
  for (int round = 0; round < 50; ++round) {
    char memory[16];
    Flight reading(server, OpKind::recv);
    reading.memory = {memory, sizeof memory};
    if (rig.submit(reading) == Submit::pending) {
      const std::string text = std::to_string(round) + ";";
      expected += text;
      rig.send_all(client, text);  // waits of its own may complete the receive
      if (!reading.ended()) rig.cancel(reading);
      if (!reading.ended()) rig.finish(reading);
    }
    CHECK(reading.completions == 1);
    if (reading.code() == Errc::cancelled) {
      CHECK(reading.bytes == 0);
    } else {
      got.append(memory, reading.bytes);
    }
  }
  got += rig.receive(server, expected.size() - got.size());
  CHECK(got == expected);
  CHECK(rig.settle() == 0);
}

// More events than one wait dispatches: some ops are cancelled while the backend already holds their event.
BACKEND_TEST("ops whose event was already collected can be cancelled without loss") {
  constexpr std::size_t count = 96;
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
  std::vector<std::unique_ptr<Flight>> senders;
  const IoSlice slice(std::string_view("data"));
  for (Handle& client : clients) {
    senders.push_back(std::make_unique<Flight>(client, OpKind::send));
    senders.back()->slices = {&slice, 1};
    rig.submit(*senders.back());
  }
  rig.wait(rig.far_ahead());
  for (auto& flight : flights) {
    if (!flight->ended()) rig.cancel(*flight);
  }
  for (auto& flight : flights) {
    if (!flight->ended()) rig.finish(*flight);
  }
  for (auto& sender : senders) {
    if (!sender->ended()) rig.finish(*sender);
  }
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(flights[i]->completions == 1);
    if (flights[i]->code() == Errc::cancelled) {
      CHECK(rig.receive(servers[i], 4) == "data");
    } else {
      CHECK(std::string_view(memory[i].data(), flights[i]->bytes) == "data");
    }
  }
}
