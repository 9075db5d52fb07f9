// What only POSIX systems have: numbered descriptors with a highest one, signals, urgent data, owners outside who
// close.

#include <fcntl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "core/reactor/restrictions.hpp"
#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

BACKEND_TEST("a descriptor beyond what select can hold is refused by select only", systems) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int high = ::fcntl(ends[0], F_DUPFD, FD_SETSIZE);
  if (high < 0) {
    SUCCEED("posix-descriptor-limit: this process cannot have so many");
    ::close(ends[0]);
    ::close(ends[1]);
    return;
  }
  REQUIRE(high >= FD_SETSIZE);
  const int highest_allowed = ::fcntl(ends[0], F_DUPFD, FD_SETSIZE - 1);
  REQUIRE(highest_allowed == FD_SETSIZE - 1);
  Handle too_high, high_enough;
  Closing closing(rig, {&too_high, &high_enough});
  OpenSpec spec;
  spec.what = OpenSpec::What::adopt;
  spec.native = high;
  REQUIRE(rig.backend().open(too_high, spec).code == Errc::ok);
  const Error error = rig.backend().attach(too_high);
  if (rig.name() == "select") {
    CHECK(error.code == Errc::not_supported);
    REQUIRE(restriction(error.rule) != nullptr);
    CHECK(restriction(error.rule)->id == "posix-select-fd-setsize");
  } else {
    CHECK(error.code == Errc::ok);
  }
  rig.adopt(high_enough, highest_allowed);
  char memory[8];
  Flight reading(high_enough, OpKind::read);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(reading) == Submit::pending);
  REQUIRE(::write(ends[1], "edge", 4) == 4);
  rig.finish(reading);
  CHECK(std::string_view(memory, reading.bytes) == "edge");
  ::close(ends[0]);
  ::close(ends[1]);
}

// A descriptor that an owner outside has closed must fail its ops, not the whole wait for ever.
BACKEND_TEST("a descriptor closed behind the backend's back does not stop the others", systems) {
  const Natives pipe = rig.make_pipe();
  Handle reader, writer, client, server;
  Closing closing(rig, {&reader, &writer, &client, &server});
  rig.adopt(reader, pipe.first);
  rig.adopt(writer, pipe.second);
  rig.connect(client, server);
  char memory[8];
  Flight reading(reader, OpKind::read);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(reading) == Submit::pending);
  ::close(static_cast<int>(reader.native));
  CHECK(rig.send_all(client, "x") == 1);
  CHECK(rig.receive(server, 1) == "x");
  rig.settle();
  if (!reading.ended()) {
    rig.cancel(reading);  // epoll has forgotten the descriptor without a word
    rig.finish(reading);
    CHECK(reading.code() == Errc::cancelled);
  } else {
    CHECK(reading.code() == Errc::bad_descriptor);
  }
}

BACKEND_TEST("a watch sees what comes after its owner took everything", systems) {
  const Natives ends = rig.make_foreign();
  Handle watched, other;
  Closing closing(rig, {&watched, &other});
  rig.adopt(watched, ends.first);
  rig.adopt(other, ends.second);
  for (int round = 0; round < 20; ++round) {
    Flight readable(watched, OpKind::watch_read);
    if (round % 3 == 0) rig.poke(other);
    const Submit outcome = rig.submit(readable);
    if (round % 3 != 0) {
      CHECK(outcome == Submit::pending);
      rig.poke(other);
    }
    if (!readable.ended()) rig.finish(readable);
    char taken[8];
    CHECK(::recv(static_cast<int>(watched.native), taken, sizeof taken, MSG_DONTWAIT) == 1);
  }
}

// A short receive is taken to mean that the socket is empty. Urgent data makes receives short of what is there.
BACKEND_TEST("urgent data does not strand what comes behind it", systems) {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  const int fd = static_cast<int>(client.native);
  char memory[64];
  for (int round = 0; round < 50; ++round) {
    Flight parked(server, OpKind::recv);
    parked.memory = {memory, sizeof memory};
    REQUIRE(rig.submit(parked) == Submit::pending);
    REQUIRE(::send(fd, "before", 6, 0) == 6);
    REQUIRE(::send(fd, "!", 1, MSG_OOB) == 1);
    REQUIRE(::send(fd, "behind", 6, 0) == 6);
    rig.finish(parked);
    std::string got(memory, parked.bytes);
    got += rig.receive(server, 12 - got.size());
    CHECK(got == "beforebehind");
  }
}

BACKEND_TEST("a signal does not end a wait early", systems) {
  static std::atomic<int> signals{0};
  signals = 0;
  struct sigaction action{};
  action.sa_handler = [](int) { signals.fetch_add(1); };
  struct sigaction before{};
  ::sigaction(SIGALRM, &action, &before);
  const itimerval often{{0, 1000}, {0, 1000}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  while (signals < 5) {
    const TimePoint deadline = rig.backend().now() + std::chrono::milliseconds{10};
    CHECK(rig.wait(deadline) == 0);
    CHECK(rig.backend().now() >= deadline);
  }
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
}
