// Line 10, and what a stream must keep however the transport cuts it: every byte, in order, and its end.

#include "core/base/rng.hpp"
#include "tests/conformance/rig.hpp"
#include "tests/support/wine_gaps.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

// Bytes that tell where they belong.
std::string pattern(std::size_t size, std::uint64_t seed) {
  Rng rng(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>('a' + rng.below(26));
  return text;
}

// One side of a transfer: pieces of random size, as fast as the other side lets it.
struct Sender {
  Sender(Handle& to, std::string_view bytes, std::uint64_t seed, std::size_t most)
      : op(to, OpKind::send), left(bytes), rng(seed), largest(most) {}
  Flight op;
  std::string_view left;
  Rng rng;
  std::size_t largest;
  IoSlice slices[3];
  bool failed = false;

  bool done() const noexcept { return failed || (left.empty() && op.idle()); }
  void take_result() {
    if (op.completions == 0) return;
    op.completions = 0;
    if (op.error) failed = true;
    left.remove_prefix(op.bytes);
  }
  // Starts what can be started.
  void go_on(Rig& rig) {
    while (op.idle()) {
      take_result();
      if (done()) return;
      std::uint32_t count = 0;
      std::string_view rest = left;
      while (count < 3 && !rest.empty()) {
        const std::size_t size = std::min<std::size_t>(rest.size(), 1 + rng.below(largest));
        slices[count++] = IoSlice(rest.substr(0, size));
        rest.remove_prefix(size);
      }
      op.slices = {slices, count};
      if (rig.submit(op) == Submit::pending) return;
    }
  }
};

struct Receiver {
  Receiver(Handle& from, std::uint64_t seed, std::size_t most, BufferPool* from_pool = nullptr)
      : op(from, from_pool ? OpKind::recv_leased : OpKind::recv), rng(seed), largest(most), pool(from_pool) {}
  Flight op;
  Rng rng;
  std::size_t largest;
  BufferPool* pool;
  Buffer buffer;
  std::string memory, got;
  Errc error = Errc::ok;
  bool ended = false;

  void take_result() {
    if (op.completions == 0) return;
    op.completions = 0;
    error = op.code();
    ended = op.bytes == 0;
    if (pool) {
      got += buffer.view();
      if (rng.chance(0.5)) {
        buffer.reset();
      } else {
        buffer.clear();
      }
    } else {
      got.append(memory, 0, op.bytes);
    }
  }
  void go_on(Rig& rig, bool until_end = true, std::size_t enough = SIZE_MAX) {
    while (op.idle()) {
      take_result();
      if (ended || (!until_end && got.size() >= enough)) return;
      if (pool) {
        op.lease = {&buffer, pool};
      } else {
        memory.resize(1 + rng.below(largest));
        op.memory = {memory.data(), memory.size()};
      }
      if (rig.submit(op) == Submit::pending) return;
    }
  }
};

void transfer(Rig& rig, Handle& from, Handle& to, std::string_view bytes, std::size_t pieces, std::size_t reads,
              BufferPool* pool = nullptr) {
  Sender sender(from, bytes, 7, pieces);
  Receiver receiver(to, 8, reads, pool);
  bool shut = false;
  const TimePoint limit = rig.backend().now() + std::chrono::seconds{60};
  while (!receiver.ended && rig.backend().now() < limit) {
    sender.go_on(rig);
    if (sender.done() && !shut) {
      rig.backend().shutdown(from, Direction::out);
      shut = true;
    }
    receiver.go_on(rig);
    if (!receiver.ended) rig.wait(limit);
  }
  CHECK_FALSE(sender.failed);
  CHECK(receiver.error == Errc::ok);
  CHECK(receiver.got.size() == bytes.size());
  CHECK((receiver.got == bytes));
}

}  // namespace

BACKEND_TEST("small pieces read with buffers of any size arrive whole") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  transfer(rig, client, server, pattern(100'000, 1), 40, 60);
}

BACKEND_TEST("large pieces through a narrow socket arrive whole, the reader being slower") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  rig.narrow(client);
  transfer(rig, client, server, pattern(2'000'000, 2), 200'000, 3000);
}

BACKEND_TEST("leased receives lose nothing, with buffers kept or given back") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  BufferPool pool(1024);
  transfer(rig, client, server, pattern(300'000, 3), 3000, 0, &pool);
  CHECK(pool.in_use() <= 1);
}

// A receive that gives less than it could is taken to mean "empty": a request and answer game in which every message
// has another size, and the peer sometimes sends before and sometimes after the receive was begun.
BACKEND_TEST("thousands of messages of random size are answered one by one") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  Rng rng(4);
  const int rounds = 2500;
  for (int round = 0; round < rounds; ++round) {
    const std::string message = pattern(1 + rng.below(200), static_cast<std::uint64_t>(round));
    Receiver receiver(server, static_cast<std::uint64_t>(round), 1 + rng.below(300));
    if (rng.chance(0.5)) receiver.go_on(rig, false, message.size());
    std::string_view left = message;
    while (!left.empty()) {
      const std::size_t part = 1 + rng.below(left.size());
      REQUIRE(rig.send_all(client, left.substr(0, part)) == part);
      left.remove_prefix(part);
      receiver.go_on(rig, false, message.size());
    }
    while (receiver.got.size() < message.size()) {
      receiver.go_on(rig, false, message.size());
      if (receiver.got.size() < message.size()) REQUIRE(rig.wait(rig.far_ahead()) > 0);
    }
    if (receiver.got != message) FAIL("round " << round);
  }
}

BACKEND_TEST("bytes and the end that came together are both seen, in order") {
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  for (int round = 0; round < 60; ++round) {
    Handle client, server;
    Closing both(rig, {&client, &server});
    rig.connect(listener, client, server);
    char memory[64];
    Flight reading(server, OpKind::recv);
    reading.memory = {memory, sizeof memory};
    if (round % 3 == 0) rig.submit(reading);  // parked before, or the first attempt after
    REQUIRE(rig.send_all(client, "last words") == 10);
    if (round % 2 == 0) {
      rig.backend().shutdown(client, Direction::out);
    } else {
      rig.backend().close(client);
    }
    if (round % 3 != 0) rig.submit(reading);
    if (!reading.ended()) rig.finish(reading);
    std::string got(memory, reading.bytes);
    got += rig.receive_all(server);
    CHECK(got == "last words");
  }
}

BACKEND_TEST("the end of the stream is zero bytes without error, again and again") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  char memory[8];
  Flight parked(server, OpKind::recv);
  parked.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(parked) == Submit::pending);
  rig.backend().close(client);
  rig.finish(parked);
  CHECK(parked.bytes == 0);
  CHECK(parked.code() == Errc::ok);
  for (int round = 0; round < 3; ++round) {
    Flight again(server, OpKind::recv);
    again.memory = {memory, sizeof memory};
    rig.run(again);
    CHECK(again.bytes == 0);
    CHECK(again.code() == Errc::ok);
  }
}

BACKEND_TEST("a reset is an error, not an end") {
  if (rig.name() == "select" && wine_gap("reset-before-receive")) return;
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  char memory[8];
  Flight parked(server, OpKind::recv);
  parked.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(parked) == Submit::pending);
  rig.backend().abort_on_close(client);
  rig.backend().close(client);
  rig.finish(parked);
  CHECK(parked.bytes == 0);
  CHECK(parked.code() == Errc::connection_reset);
}

BACKEND_TEST("a reset ends a parked send and a parked receive together") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  rig.narrow(client);
  REQUIRE(rig.fill(client) == Errc::ok);
  char memory[8];
  Flight reading(client, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(reading) == Submit::pending);
  const std::string block(100'000, 'x');
  const IoSlice slice{std::string_view(block)};
  Flight sending(client, OpKind::send);
  sending.slices = {&slice, 1};
  while (rig.submit(sending) == Submit::done) REQUIRE(sending.code() == Errc::ok);
  rig.backend().abort_on_close(server);
  rig.backend().close(server);
  rig.finish(reading);
  if (!sending.ended()) rig.finish(sending);
  CHECK((reading.error || sending.error));
  CHECK(reading.bytes == 0);
}

BACKEND_TEST("sending to a peer that is gone fails in the end, without a signal") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  rig.backend().close(server);
  rig.settle();
  Errc error = Errc::ok;
  for (int attempt = 0; attempt < 10 && error == Errc::ok; ++attempt) {
    const IoSlice slices[2] = {IoSlice(std::string_view("a")), IoSlice(std::string_view("b"))};
    Flight op(client, OpKind::send);
    op.slices = {slices, 2};
    rig.run(op);
    error = op.code();
    rig.settle();
  }
  CHECK((error == Errc::broken_pipe || error == Errc::connection_reset));
}

BACKEND_TEST("a half-closed stream still carries bytes the other way") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  REQUIRE(rig.send_all(client, "question") == 8);
  rig.backend().shutdown(client, Direction::out);
  CHECK(rig.receive_all(server) == "question");
  const std::string answer = pattern(50'000, 5);
  transfer(rig, server, client, answer, 9000, 5000);
}

BACKEND_TEST("sending after the own end fails as broken_pipe") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  rig.backend().shutdown(client, Direction::out);
  const IoSlice slice(std::string_view("late"));
  Flight op(client, OpKind::send);
  op.slices = {&slice, 1};
  rig.run(op);
  CHECK(op.bytes == 0);
  CHECK(op.code() == Errc::broken_pipe);
}

BACKEND_TEST("a connect that nobody listens for is refused") {
  Handle listener;
  rig.listen(listener);
  const Address nobody = rig.address_of(listener);
  rig.backend().close(listener);
  Handle client;
  Closing closing(rig, {&client});
  rig.open_stream(client);
  Flight connecting(client, OpKind::connect);
  connecting.connect = {&nobody};
  rig.run(connecting);
  CHECK(connecting.code() == Errc::connection_refused);
}

// Epoll reports a descriptor that both waits to be read and to be written as one event.
BACKEND_TEST("two full transfers cross on one connection") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  rig.narrow(client);
  rig.narrow(server);
  const std::string there = pattern(700'000, 6);
  const std::string back = pattern(900'000, 7);
  Sender send_there(client, there, 1, 50'000), send_back(server, back, 2, 70'000);
  Receiver get_there(server, 3, 10'000), get_back(client, 4, 20'000);
  const TimePoint limit = rig.backend().now() + std::chrono::seconds{60};
  while ((get_there.got.size() < there.size() || get_back.got.size() < back.size()) && rig.backend().now() < limit) {
    send_there.go_on(rig);
    send_back.go_on(rig);
    get_there.go_on(rig, false, there.size());
    get_back.go_on(rig, false, back.size());
    if (get_there.got.size() < there.size() || get_back.got.size() < back.size()) rig.wait(limit);
  }
  CHECK((get_there.got == there));
  CHECK((get_back.got == back));
  for (Flight* op : {&send_there.op, &send_back.op}) {
    if (!op->idle()) rig.finish(*op);
  }
}
