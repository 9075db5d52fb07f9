// What a system's kqueue answers and libkqueue never does: the kevent() of this program stands before the library's.
#include <dlfcn.h>
#include <sys/types.h>
// after it
#include <sys/event.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

bool processes_end = false;  // from the view of the queue: it finds none any more
int not_found = 0;           // how often it has said so
int refused_with = 0;        // the error of every change
bool interrupted = false;    // the next wait, by a signal

// As systems do it: an event for each change that was refused where there is room for it, else the error of the call.
int refuse(const struct kevent* changes, int change_count, struct kevent* events, int event_count) {
  if (event_count < change_count) {
    errno = refused_with;
    return -1;
  }
  for (int i = 0; i < change_count; ++i) {
    events[i] = changes[i];
    events[i].flags = EV_ERROR;
    events[i].data = refused_with;
  }
  return change_count;
}

bool watches_process(const struct kevent* changes, int count) {
  return count == 1 && changes->filter == EVFILT_PROC && (changes->flags & EV_ADD) != 0;
}

// Waits for a child that the queue does not find, though it has yet to become one that can be waited for: a process on
// its way out. macOS and OpenBSD have that moment.
ExitStatus status_of_one_that_is_not_found(std::vector<std::string> argv) {
  const std::unique_ptr<Rig> rig = make_rig("kqueue");
  argv.insert(argv.begin(), rig->test_child());
  SpawnSpec spec;
  spec.argv = argv;
  ChildProcess child;
  REQUIRE(rig->backend().spawn(child, spec).code == Errc::ok);
  REQUIRE(rig->backend().attach(child).code == Errc::ok);
  ExitStatus status{99, 99};
  Flight op(child, OpKind::wait_child);
  op.child = {&status};
  processes_end = true;
  rig->run(op);
  processes_end = false;
  CHECK(op.code() == Errc::ok);
  rig->backend().close(child);
  return status;
}

std::atomic<int> signals_heard{0};

// An alarm again and again while it lives. Its handler does not restart the call that it interrupts.
class Alarms {
 public:
  Alarms() {
    struct sigaction entry{};
    entry.sa_handler = [](int) { ++signals_heard; };
    ::sigaction(SIGALRM, &entry, &before_);
    const itimerval often{{0, 5'000}, {0, 5'000}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;
  ~Alarms() {
    const itimerval none{};
    ::setitimer(ITIMER_REAL, &none, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  struct sigaction before_;
};

}  // namespace

extern "C" int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events, int event_count,
                      const struct timespec* limit) {
  static const auto librarys = reinterpret_cast<decltype(&kevent)>(::dlsym(RTLD_NEXT, "kevent"));
  if (processes_end && watches_process(changes, change_count)) {
    ++not_found;
    errno = ESRCH;
    return -1;
  }
  if (refused_with != 0 && change_count > 0) return refuse(changes, change_count, events, event_count);
  if (event_count > 0 && std::exchange(interrupted, false)) {
    librarys(queue, changes, change_count, nullptr, 0, nullptr);  // made before any wait
    errno = EINTR;
    return -1;
  }
  return librarys(queue, changes, change_count, events, event_count, limit);
}

TEST_CASE("a change that a wait refuses fails the op that asked for it, with the reason", "[kqueue]") {
  const std::unique_ptr<Rig> rig = make_rig("kqueue");
  Handle client, server;
  Closing closing(*rig, {&client, &server});
  rig->connect(client, server);
  char memory[8];
  Flight reading(server, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig->submit(reading) == Submit::pending);
  refused_with = ENOMEM;
  rig->finish(reading);
  refused_with = 0;
  CHECK(reading.error.native == ENOMEM);
  // No more than that was lost.
  REQUIRE(rig->submit(reading) == Submit::pending);
  CHECK(rig->send_all(client, "later") == 5);
  rig->finish(reading);
  CHECK(std::string_view(memory, reading.bytes) == "later");
}

TEST_CASE("a wait that a signal interrupts has made its changes", "[kqueue]") {
  const std::unique_ptr<Rig> rig = make_rig("kqueue");
  Handle client, server;
  Closing closing(*rig, {&client, &server});
  rig->connect(client, server);
  char memory[8];
  Flight reading(server, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig->submit(reading) == Submit::pending);
  CHECK(rig->send_all(client, "x") == 1);
  interrupted = true;
  rig->finish(reading);
  CHECK_FALSE(interrupted);
  CHECK(reading.bytes == 1);
}

TEST_CASE("a child that the queue does not find any more is waited for", "[kqueue]") {
  not_found = 0;
  CHECK(status_of_one_that_is_not_found({"linger", "200", "7"}).code == 7);
  CHECK(not_found == 1);
}

TEST_CASE("a signal does not spoil the wait for a child that is on its way out", "[kqueue]") {
  not_found = signals_heard = 0;
  const Alarms alarms;
  CHECK(status_of_one_that_is_not_found({"linger", "200", "8"}).code == 8);
  CHECK(not_found == 1);
  CHECK(signals_heard > 0);
}
