// Leased receives where the backend may be ahead of the caller: order, bounds, pools that come and go.

#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

std::string numbered(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

Errc lease(Rig& rig, Handle& from, Buffer& into, BufferPool& pool) {
  Flight op(from, OpKind::recv_leased);
  op.lease = {&into, &pool};
  rig.run(op);
  return op.code();
}

// Leaves a receive behind without a waiter, as a stream does whose owner is busy.
void lease_and_give_up(Rig& rig, Handle& from, BufferPool& pool) {
  Buffer into;
  Flight op(from, OpKind::recv_leased);
  op.lease = {&into, &pool};
  REQUIRE(rig.submit(op) == Submit::pending);
  rig.poll();
  rig.cancel(op);
  rig.finish(op);
  CHECK(pool.in_use() == 0);
}

}  // namespace

BACKEND_TEST("bytes that came while nobody waited are received in order, into leases and memory alike") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  BufferPool pool(1024);
  lease_and_give_up(rig, server, pool);
  const std::string sent = numbered(30'000);
  std::string got;
  std::size_t written = 0;
  for (int round = 0; got.size() < sent.size(); ++round) {
    if (written < sent.size()) {
      const std::size_t piece = std::min<std::size_t>(5'000, sent.size() - written);
      REQUIRE(rig.send_all(client, std::string_view(sent).substr(written, piece)) == piece);
      written += piece;
      rig.settle();
    }
    if (round % 3 == 0) {
      got += rig.receive(server, std::min<std::size_t>(700, written - got.size()));
      continue;
    }
    Buffer into;
    REQUIRE(lease(rig, server, into, pool) == Errc::ok);
    REQUIRE(into.size() > 0);
    got += into.view();
  }
  CHECK(got == sent);
  CHECK(pool.in_use() == 0);
}

BACKEND_TEST("a lease that waits lets the backend sleep, after small messages and after whole blocks") {
  constexpr std::size_t block = 1024;
  constexpr std::uint64_t few = 8;  // waits: some systems end a sleep early
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  BufferPool pool(block);
  for (const std::size_t size : {std::size_t{1}, std::size_t{1}, block, std::size_t{1}, block, block}) {
    Buffer into;
    Flight op(server, OpKind::recv_leased);
    op.lease = {&into, &pool};
    REQUIRE(rig.submit(op) == Submit::pending);
    rig.poll();
    const std::uint64_t before = rig.backend().counters().waits;
    rig.wait(rig.backend().now() + std::chrono::milliseconds{5});
    CHECK(rig.backend().counters().waits - before <= few);
    REQUIRE(rig.send_all(client, numbered(size)) == size);
    rig.finish(op);
    std::string got(into.view());
    got += rig.receive(server, size - got.size());
    CHECK(got == numbered(size));
  }
}

BACKEND_TEST("a lease that waits appends to what its buffer holds by then") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  BufferPool pool(64);
  for (int round = 0; round < 20; ++round) {
    Buffer into;
    Flight op(server, OpKind::recv_leased);
    op.lease = {&into, &pool};
    REQUIRE(rig.submit(op) == Submit::pending);
    rig.poll();
    into = pool.take();  // the owner may put another in its place
    into.room()[0] = '>';
    into.commit(1);
    REQUIRE(rig.send_all(client, numbered(100)) == 100);
    if (!op.ended()) rig.finish(op);
    REQUIRE(op.bytes > 0);
    CHECK(op.bytes + 1 == into.size());
    std::string got(into.view());
    got += rig.receive(server, 101 - got.size());
    CHECK(got == ">" + numbered(100));
  }
}

BACKEND_TEST("a pool may end while bytes wait for its next lease, and another takes its place") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  const std::string sent = numbered(3'000);
  std::string got;
  for (std::size_t at = 0; at < sent.size(); at += 500) {
    BufferPool pool(1024);
    if (got.size() == at) lease_and_give_up(rig, server, pool);
    REQUIRE(rig.send_all(client, std::string_view(sent).substr(at, 500)) == 500);
    rig.settle();
    if (at % 1000 == 0) continue;  // it ends with what has come
    while (got.size() < at + 500) {
      Buffer into;
      REQUIRE(lease(rig, server, into, pool) == Errc::ok);
      got += into.view();
    }
  }
  CHECK(got == sent);
}

BACKEND_TEST("leases of a bounded pool wait for no block that does not exist") {
  constexpr std::size_t count = 40;
  std::vector<Handle> clients(count), servers(count);
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  BufferPool pool(256, 8);
  std::vector<std::unique_ptr<Flight>> flights;
  std::vector<Buffer> buffers(count);
  for (std::size_t i = 0; i < count; ++i) {
    rig.connect(listener, clients[i], servers[i]);
    closing.add(clients[i]);
    closing.add(servers[i]);
    flights.push_back(std::make_unique<Flight>(servers[i], OpKind::recv_leased));
    flights[i]->lease = {&buffers[i], &pool};
    REQUIRE(rig.submit(*flights[i]) == Submit::pending);
  }
  for (Handle& client : clients) REQUIRE(rig.send_all(client, "x") == 1);
  for (auto& flight : flights) {
    if (!flight->ended()) rig.finish(*flight);
  }
  std::size_t served = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (flights[i]->code() == Errc::out_of_memory) continue;
    REQUIRE(flights[i]->code() == Errc::ok);
    CHECK(buffers[i].view() == "x");
    ++served;
  }
  CHECK(served > 0);
  CHECK(served <= 8);
  buffers.clear();
  // What was refused is not lost.
  std::size_t later = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (flights[i]->code() != Errc::out_of_memory) continue;
    Buffer into;
    REQUIRE(lease(rig, servers[i], into, pool) == Errc::ok);
    CHECK(into.view() == "x");
    ++later;
  }
  CHECK(served + later == count);
}

BACKEND_TEST("hundreds of ops that are submitted in one turn all complete") {
  constexpr std::size_t count = 450;  // two descriptors each, below select's bound
  std::vector<Handle> clients(count), servers(count);
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  if (rig.backend().capabilities().max_sockets != 0 && rig.backend().capabilities().max_sockets < 2 * count + 8) {
    SUCCEED("fewer sockets than that: restricted by " << restriction(platform_limits(rig.backend().capabilities().platform).max_sockets_rule)->id);
    return;
  }
  BufferPool pool(256);
  std::vector<std::unique_ptr<Flight>> flights;
  std::vector<Buffer> buffers(count);
  for (std::size_t i = 0; i < count; ++i) {
    rig.connect(listener, clients[i], servers[i]);
    closing.add(clients[i]);
    closing.add(servers[i]);
  }
  for (std::size_t i = 0; i < count; ++i) {
    flights.push_back(std::make_unique<Flight>(servers[i], OpKind::recv_leased));
    flights[i]->lease = {&buffers[i], &pool};
    REQUIRE(rig.submit(*flights[i]) == Submit::pending);
  }
  for (std::size_t i = 0; i < count; ++i) REQUIRE(rig.send_all(clients[i], std::to_string(i)) > 0);
  for (std::size_t i = 0; i < count; ++i) {
    if (!flights[i]->ended()) rig.finish(*flights[i]);
    CHECK(flights[i]->code() == Errc::ok);
    CHECK(buffers[i].view() == std::to_string(i));
  }
}
