// A backend whose descriptor is taken away: everything in flight ends with the reason, and nothing spins.
#ifdef __linux__

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <set>

#include "core/backends/registry.hpp"
#include "core/coro/event.hpp"
#include "core/reactor/awaitables.hpp"
#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

std::set<int> kernel_objects(std::string_view kind) {
  std::set<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target == kind) found.insert(std::stoi(entry.path().filename().string()));
  }
  return found;
}

// A rig of its own whose backend can be robbed: it knows which of the process's descriptors is the backend's.
class Victim {
 public:
  explicit Victim(std::string_view name)
      : kind_(name.starts_with("epoll") ? "anon_inode:[eventpoll]" : "anon_inode:[io_uring]"),
        before_(kernel_objects(kind_)),
        rig_(make_rig(name)) {}
  Rig& rig() noexcept { return *rig_; }

  // Puts /dev/null in the place of what the kernel made for the backend: its number stays taken.
  void rob() {
    std::set<int> made = kernel_objects(kind_);
    for (const int other : before_) made.erase(other);
    REQUIRE(made.size() == 1);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    REQUIRE(::dup2(null, *made.begin()) == *made.begin());
    ::close(null);
  }

 private:
  std::string_view kind_;
  std::set<int> before_;
  std::unique_ptr<Rig> rig_;
};

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

Task<void> receive_while_it_fails(Victim& victim, Reactor& reactor, Handle& handle, Error& error) {
  Scope scope;
  scope.spawn(receive_until_error(reactor, handle, error));
  victim.rob();
  auto joined = scope.join();
  co_await joined;
}

// As a container's filter does it: one system call answers with an error, for the rest of this process's life.
void refuse_call(unsigned call, int with) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(with)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  REQUIRE(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

bool refusal_says(unsigned call, int with, std::string_view expected) {
  return succeeds_alone([&] {
    refuse_call(call, with);
    const auto made = make_backend("io_uring");
    REQUIRE_FALSE(made);
    REQUIRE(made.error().starts_with("io_uring cannot be used: "));
    REQUIRE(made.error().find(expected) != std::string::npos);
    REQUIRE(made.error().find('\n') == std::string::npos);
    REQUIRE(make_backend("auto"));  // whatever it prefers
  });
}

}  // namespace

TEST_CASE("io_uring that is refused says by what, and another backend is chosen", "[io_uring]") {
  CHECK(refusal_says(SYS_io_uring_setup, EPERM, "kernel.io_uring_disabled"));
  CHECK(refusal_says(SYS_io_uring_setup, ENOSYS, "no io_uring"));
  CHECK(refusal_says(SYS_io_uring_setup, ENOMEM, "RLIMIT_MEMLOCK"));
  CHECK(refusal_says(SYS_io_uring_register, EPERM, "lacks an operation"));
  CHECK(refusal_says(SYS_io_uring_enter, EPERM, "filter"));
}

// The backends that wait with a descriptor of the kernel's.
constexpr std::array descriptors{"epoll", "epoll-fallbacks", "io_uring", "io_uring-fallbacks"};

BACKEND_TEST("a backend that lost its descriptor ends every op with the reason and does not spin", descriptors) {
  Victim victim(rig.name());
  Rig& own = victim.rig();
  Handle client, server, other_client, other_server;
  Closing closing(own, {&client, &server, &other_client, &other_server});
  own.connect(client, server);
  own.connect(other_client, other_server);
  char memory[8];
  BufferPool pool;
  Buffer buffer;
  Flight plain(server, OpKind::recv);
  plain.memory = {memory, sizeof memory};
  REQUIRE(own.submit(plain) == Submit::pending);
  Flight leased(other_server, OpKind::recv_leased);
  leased.lease = {&buffer, &pool};
  REQUIRE(own.submit(leased) == Submit::pending);
  own.poll();
  CHECK_FALSE(own.backend().failure());
  victim.rob();
  while (!plain.ended() || !leased.ended()) REQUIRE(own.wait(TimePoint::max()) > 0);
  CHECK(own.backend().failure());
  CHECK(plain.error);
  CHECK(leased.error);
  CHECK(plain.error == own.backend().failure());
  Flight late(server, OpKind::recv);
  late.memory = {memory, sizeof memory};
  CHECK(own.submit(late) == Submit::done);
  CHECK(late.error == own.backend().failure());
  // Timers and wakes still work, without turning the processor hot.
  const double before = cpu_seconds();
  const TimePoint deadline = own.backend().now() + std::chrono::milliseconds{200};
  CHECK(own.wait(deadline) == 0);
  CHECK(own.backend().now() >= deadline);
  CHECK(cpu_seconds() - before < 0.1);
  own.backend().wake();
  CHECK(own.wait(TimePoint::max()) == 0);
}

BACKEND_TEST("a reactor is told once that its backend failed, and its coroutines end", descriptors) {
  Victim victim(rig.name());
  Rig& own = victim.rig();
  Handle client, server;
  own.connect(client, server);
  Reactor reactor(own.release_backend());
  Told told;
  reactor.when_backend_fails(told);
  Error error;
  reactor.run(receive_while_it_fails(victim, reactor, server, error));
  CHECK(error == reactor.backend().failure());
  CHECK(error);
  reactor.turn(reactor.clock());
  CHECK(told.times == 1);
  reactor.backend().close(client);
  reactor.backend().close(server);
}

#endif
