// A backend whose descriptor is taken away: everything in flight ends with the reason, and nothing spins.
#ifdef __linux__

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>

#include "core/coro/event.hpp"
#include "core/reactor/awaitables.hpp"
#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

// Puts /dev/null in the place of what the kernel made for the backend: its number stays taken.
void take_away(std::string_view kind) {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target == kind) found.push_back(std::stoi(entry.path().filename().string()));
  }
  REQUIRE(found.size() == 1);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  REQUIRE(::dup2(null, found.front()) == found.front());
  ::close(null);
}

void take_away_from(Rig& rig) {
  take_away(rig.name().starts_with("epoll") ? "anon_inode:[eventpoll]" : "anon_inode:[io_uring]");
}

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Told : Posted {
  Told() noexcept {
    run = [](Posted& posted) noexcept { ++static_cast<Told&>(posted).times; };
  }
  int times = 0;
};

Task<void> receive_until_error(Reactor& reactor, Handle& handle, Error& error) {
  Buffer buffer;
  const auto got = co_await RecvLeased(reactor, handle, buffer);
  if (!got) error = got.error();
}

Task<void> receive_while_it_fails(Rig& rig, Reactor& reactor, Handle& handle, Error& error) {
  Scope scope;
  scope.spawn(receive_until_error(reactor, handle, error));
  take_away_from(rig);
  auto joined = scope.join();
  co_await joined;
}

}  // namespace

// The backends that wait with a descriptor of the kernel's.
#define WEIR_TEST_ON_DESCRIPTORS(sentence, body) WEIR_TEST_ON_EPOLL(sentence, body)
#define DESCRIPTOR_TEST(sentence) WEIR_TESTS(sentence, WEIR_TEST_ON_DESCRIPTORS, WEIR_JOIN(conformance_, __LINE__))

DESCRIPTOR_TEST("a backend that lost its descriptor ends every op with the reason and does not spin") {
  Handle client, server, other_client, other_server;
  Closing closing(rig, {&client, &server, &other_client, &other_server});
  rig.connect(client, server);
  rig.connect(other_client, other_server);
  char memory[8];
  BufferPool pool;
  Buffer buffer;
  Flight plain(server, OpKind::recv);
  plain.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(plain) == Submit::pending);
  Flight leased(other_server, OpKind::recv_leased);
  leased.lease = {&buffer, &pool};
  REQUIRE(rig.submit(leased) == Submit::pending);
  rig.poll();
  CHECK_FALSE(rig.backend().failure());
  take_away_from(rig);
  while (!plain.ended() || !leased.ended()) REQUIRE(rig.wait(TimePoint::max()) > 0);
  CHECK(rig.backend().failure());
  CHECK(plain.error);
  CHECK(leased.error);
  CHECK(plain.error == rig.backend().failure());
  Flight late(server, OpKind::recv);
  late.memory = {memory, sizeof memory};
  CHECK(rig.submit(late) == Submit::done);
  CHECK(late.error == rig.backend().failure());
  // Timers and wakes still work, without turning the processor hot.
  const double before = cpu_seconds();
  const TimePoint deadline = rig.backend().now() + std::chrono::milliseconds{200};
  CHECK(rig.wait(deadline) == 0);
  CHECK(rig.backend().now() >= deadline);
  CHECK(cpu_seconds() - before < 0.1);
  rig.backend().wake();
  CHECK(rig.wait(TimePoint::max()) == 0);
}

DESCRIPTOR_TEST("a reactor is told once that its backend failed, and its coroutines end") {
  Handle client, server;
  rig.connect(client, server);
  Reactor reactor(rig.release_backend());
  Told told;
  reactor.when_backend_fails(told);
  Error error;
  reactor.run(receive_while_it_fails(rig, reactor, server, error));
  CHECK(error == reactor.backend().failure());
  CHECK(error);
  reactor.turn(reactor.clock());
  CHECK(told.times == 1);
  reactor.backend().close(client);
  reactor.backend().close(server);
}

#endif
