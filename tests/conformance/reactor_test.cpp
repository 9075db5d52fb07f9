// The reactor on every backend: what it adds to the contract. Work from other threads, timers, budgets, the end of run.

#include <array>
#include <thread>

#include "core/coro/event.hpp"
#include "core/reactor/awaitables.hpp"
#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

Task<void> echo(Reactor& reactor, Handle& connection) {
  for (;;) {
    Buffer buffer;
    const auto got = co_await RecvLeased(reactor, connection, buffer);
    if (!got || *got == 0) break;
    const IoSlice slice(buffer.view());
    const auto sent = co_await Send(reactor, connection, &slice, 1);
    if (!sent) break;
  }
  reactor.backend().shutdown(connection, Direction::out);
}

Task<void> converse(Reactor& reactor, Handle& connection, int rounds, int& answered) {
  for (int round = 0; round < rounds; ++round) {
    const std::string text = "round " + std::to_string(round);
    const IoSlice slice{std::string_view(text)};
    const auto sent = co_await Send(reactor, connection, &slice, 1);
    std::string answer(text.size(), '\0');
    std::size_t filled = 0;
    while (sent && filled < answer.size()) {
      const auto got = co_await Recv(reactor, connection, answer.data() + filled, answer.size() - filled);
      if (!got || *got == 0) break;
      filled += *got;
    }
    if (answer == text) ++answered;
  }
  reactor.backend().shutdown(connection, Direction::out);
  char rest[8];
  const auto end = co_await Recv(reactor, connection, rest, sizeof rest);
  CHECK(end == 0U);
}

Task<void> both(Reactor& reactor, Handle& client, Handle& server, int rounds, int& answered) {
  Scope scope;
  scope.spawn(echo(reactor, server));
  scope.spawn(converse(reactor, client, rounds, answered));
  auto joined = scope.join();
  co_await joined;
}

Task<void> sleep_in_order(Reactor& reactor, std::vector<int>& order, int which, Duration span) {
  const TimePoint deadline = reactor.now() + span;
  const bool slept = co_await SleepUntil(reactor, deadline);
  CHECK(slept);
  CHECK(reactor.clock() >= deadline);
  order.push_back(which);
}

Task<void> sleepers(Reactor& reactor, std::vector<int>& order) {
  Scope scope;
  scope.spawn(sleep_in_order(reactor, order, 3, std::chrono::milliseconds{90}));
  scope.spawn(sleep_in_order(reactor, order, 1, std::chrono::milliseconds{1}));
  scope.spawn(sleep_in_order(reactor, order, 2, std::chrono::milliseconds{40}));
  auto joined = scope.join();
  co_await joined;
}

Task<void> wait_for(Event& event) {
  auto waiting = event.wait();
  co_await waiting;
}

Task<void> cancel_soon(Reactor& reactor, Op& op) {
  const TimePoint soon = reactor.now() + std::chrono::milliseconds{1};
  const bool slept = co_await SleepUntil(reactor, soon);
  CHECK(slept);
  reactor.cancel(op);
}

Task<void> cancelled_receive(Reactor& reactor, Handle& connection, Error& error) {
  Scope scope;
  char memory[8];
  Recv receiving(reactor, connection, memory, sizeof memory);
  scope.spawn(cancel_soon(reactor, receiving.op()));
  const auto got = co_await receiving;
  if (!got) error = got.error();
  auto joined = scope.join();
  co_await joined;
}

struct Note : Posted {
  Event* event = nullptr;
  int* left = nullptr;
};

Task<void> greedy(Reactor& reactor, Handle& connection, bool& stop, int& receives) {
  while (!stop) {
    char byte;
    const auto got = co_await Recv(reactor, connection, &byte, 1);
    if (!got || *got == 0) break;
    ++receives;
  }
}

Task<void> modest(Reactor& reactor, Handle& connection, bool& stop) {
  char byte;
  const auto got = co_await Recv(reactor, connection, &byte, 1);
  CHECK(got == 1U);
  stop = true;
}

Task<void> greedy_and_modest(Reactor& reactor, Handle& one, Handle& other, bool& stop, int& receives) {
  Scope scope;
  scope.spawn(greedy(reactor, one, stop, receives));
  scope.spawn(modest(reactor, other, stop));
  auto joined = scope.join();
  co_await joined;
}

}  // namespace

BACKEND_TEST("a reactor runs an echo and its client to their end") {
  Handle client, server;
  rig.connect(client, server);
  Reactor reactor(rig.release_backend());
  int answered = 0;
  reactor.run(both(reactor, client, server, 300, answered));
  CHECK(answered == 300);
  CHECK(reactor.in_flight() == 0);
  CHECK(reactor.buffers().in_use() == 0);
  reactor.backend().close(client);
  reactor.backend().close(server);
}

BACKEND_TEST("timers of a reactor end in order and never early") {
  Reactor reactor(rig.release_backend());
  std::vector<int> order;
  reactor.run(sleepers(reactor, order));
  CHECK(order == std::vector<int>{1, 2, 3});
}

BACKEND_TEST("a cancelled receive resumes its coroutine with cancelled") {
  Handle client, server;
  rig.connect(client, server);
  Reactor reactor(rig.release_backend());
  Error error;
  reactor.run(cancelled_receive(reactor, server, error));
  CHECK(error.code == Errc::cancelled);
  reactor.backend().close(client);
  reactor.backend().close(server);
}

BACKEND_TEST("work that is posted from other threads runs on the reactor's") {
  Reactor reactor(rig.release_backend());
  Event all;
  constexpr int count = 2000;
  int left = count;
  std::vector<Note> notes(count);
  const std::thread::id home = std::this_thread::get_id();
  static std::thread::id ran_on;
  for (Note& note : notes) {
    note.event = &all;
    note.left = &left;
    note.run = [](Posted& posted) noexcept {
      Note& self = static_cast<Note&>(posted);
      ran_on = std::this_thread::get_id();
      if (--*self.left == 0) self.event->set();
    };
  }
  std::thread first([&] {
    for (int i = 0; i < count; i += 2) reactor.post(notes[static_cast<std::size_t>(i)]);
  });
  std::thread second([&] {
    for (int i = 1; i < count; i += 2) reactor.post(notes[static_cast<std::size_t>(i)]);
  });
  reactor.run(wait_for(all));
  first.join();
  second.join();
  CHECK(left == 0);
  CHECK(ran_on == home);
}

BACKEND_TEST("one busy connection leaves turns to the others") {
  Handle client, server, other_client, other_server;
  rig.connect(client, server);
  rig.connect(other_client, other_server);
  REQUIRE(rig.send_all(client, std::string(60'000, 'b')) == 60'000);
  REQUIRE(rig.send_all(other_client, "m") == 1);
  rig.settle();
  Reactor reactor(rig.release_backend());
  bool stop = false;
  int receives = 0;
  // The greedy one is not stopped by the modest one unless that gets a turn before all bytes are gone.
  reactor.run(greedy_and_modest(reactor, server, other_server, stop, receives));
  CHECK(stop);
  CHECK(receives < 60'000);
  for (Handle* handle : {&client, &server, &other_client, &other_server}) reactor.backend().close(*handle);
}
