// The rigs: real systems by their registry, and the simulator as several platforms.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "core/backends/registry.hpp"
#include "core/platform/descriptors.hpp"
#include "core/platform/sockets.hpp"
#include "tests/conformance/rig.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_children.hpp"
#include "tests/support/test_child.hpp"

namespace weir::conformance {
namespace {

constexpr std::string_view fallbacks = "-fallbacks";

// "epoll-fallbacks" is epoll as it is on older kernels: no eventfd, no epoll_pwait2. kqueue has no user events then.
std::unique_ptr<Backend> make_system_backend(std::string_view name) {
  const bool forced = name.ends_with(fallbacks);
  if (forced) {
    name.remove_suffix(fallbacks.size());
    ::setenv("WEIR_FORCE_FALLBACKS", "1", 1);
  }
  auto backend = make_backend(name);
  if (forced) ::unsetenv("WEIR_FORCE_FALLBACKS");
  if (!backend) FAIL(backend.error());
  return std::move(*backend);
}

// libkqueue closes what belonged to a closed queue on a thread of its own. Waits until no more descriptors go away.
void wait_for_closes() {
  constexpr auto quiet_time = std::chrono::milliseconds{20};
  for (std::size_t before = 0, now = platform::open_descriptors(); before != now; now = platform::open_descriptors()) {
    before = now;
    std::this_thread::sleep_for(quiet_time);
  }
}

class SystemRig final : public Rig {
 public:
  explicit SystemRig(std::string_view name) : Rig(name, make_system_backend(name)) {
    std::signal(SIGPIPE, SIG_IGN);  // as every program does that writes to pipes
  }
  ~SystemRig() override { restore_descriptors(); }

  bool simulated() const noexcept override { return false; }
  Address any_port() override { return parse_address("127.0.0.1:0").value(); }
  Address address_of(const Handle& listener) override { return platform::local_address(listener).value(); }

  Natives make_pipe() override {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    return {ends[0], ends[1]};
  }
  Natives make_sockets() override {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    return {ends[0], ends[1]};
  }
  Natives make_char_device() override {
    const int device = ::posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE(device >= 0);
    REQUIRE(::grantpt(device) == 0);
    REQUIRE(::unlockpt(device) == 0);
    const int other = ::open(::ptsname(device), O_RDWR | O_NOCTTY);
    REQUIRE(other >= 0);
    return {device, other};
  }
  Natives make_foreign() override {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    return {ends[0], ends[1]};
  }
  void poke(Handle& other) override { REQUIRE(::send(static_cast<int>(other.native), "x", 1, 0) == 1); }
  NativeHandle make_regular_file() override {
    char name[] = "weir-conformance-XXXXXX";
    const int fd = ::mkstemp(name);
    REQUIRE(fd >= 0);
    ::unlink(name);
    return fd;
  }
  std::string test_child() override { return test_child_path(); }
  void discard(NativeHandle native) override { ::close(static_cast<int>(native)); }

  void narrow(Handle& stream) override {
    const int bytes = 4096;
    ::setsockopt(static_cast<int>(stream.native), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }

  void leave_descriptors(std::size_t count) override {
    if (name().starts_with("kqueue")) wait_for_closes();
    // The lowest free numbers are handed out first: the limit lies behind the wanted count of them.
    std::vector<int> taken;
    for (std::size_t i = 0; i <= count; ++i) taken.push_back(::dup(2));
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (kept_ == 0) kept_ = limit.rlim_cur;
    limit.rlim_cur = static_cast<rlim_t>(taken.back());
    for (const int fd : taken) ::close(fd);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  void fail_starts(bool) override { FAIL("no system can be told to"); }
  void restore_descriptors() override {
    if (kept_ == 0) return;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::exchange(kept_, 0);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }

 private:
  rlim_t kept_ = 0;
};

struct World {
  sim::SimWorld world{20'261};
};

const sim::SimProfile& profile_named(std::string_view name) {
  for (const sim::SimProfile& profile : sim::all_profiles()) {
    if (profile.name == name) return profile;
  }
  FAIL("no simulated platform is named " << name);
  std::abort();
}

// What tests/support/child.cpp does, as far as a simulated program can.
sim::SimProgram play_test_child(const SpawnSpec& spec) {
  const auto argument = [&](std::size_t index) { return index < spec.argv.size() ? spec.argv[index] : std::string(); };
  const auto number = [&](std::size_t index) { return std::strtoul(argument(index).c_str(), nullptr, 10); };
  const std::string what = argument(1);
  sim::SimProgram program;
  if (what == "exit") {
    program.code = static_cast<std::uint32_t>(number(2));
  } else if (what == "abort") {
    program.signal = SIGABRT;
  } else if (what == "sleep") {
    program.takes = std::chrono::milliseconds{number(2)};
  } else if (what == "say") {
    program.out = argument(2);
    program.err = argument(3);
  } else if (what == "cat") {
    program.copies_input = true;
  } else if (what == "flood") {
    program.out.assign(number(2), 'f');
  } else if (what == "args") {
    for (std::size_t i = 2; i < spec.argv.size(); ++i) program.out.append("[").append(spec.argv[i]).append("]\n");
  } else if (what == "env") {
    program.out = "(unset)";
    for (const EnvironmentVariable& one : spec.environment) {
      if (one.name == argument(2)) program.out = one.value;
    }
  } else if (what == "cwd") {
    program.out = spec.working_directory;
  } else if (what == "grandchild") {
    program.out = "started\n";
    program.takes = std::chrono::milliseconds{number(3)};
    program.leaves_descendant = true;
  } else {
    program.code = 99;
  }
  return program;
}

class SimulatedRig final : private World, public Rig {
 public:
  explicit SimulatedRig(std::string_view name) : Rig(name, world.make_backend(profile_named(name))) {}
  ~SimulatedRig() override { drop_backend(); }

  bool simulated() const noexcept override { return true; }
  Address any_port() override { return sim().host(); }
  Address address_of(const Handle& listener) override { return sim().local_address(listener); }
  Natives make_pipe() override { return natives(sim().make_pipe()); }
  Natives make_sockets() override { return natives(sim().make_socket_pair()); }
  Natives make_char_device() override { return natives(sim().make_char_device()); }
  Natives make_foreign() override { return natives(sim().make_foreign()); }
  void poke(Handle& other) override { REQUIRE(send_all(other, "x") == 1); }
  NativeHandle make_regular_file() override { return sim().make_regular_file(); }
  std::string test_child() override {
    world.children().install("test-child", play_test_child);
    return "test-child";
  }
  void discard(NativeHandle native) override { sim().discard(native); }
  void narrow(Handle&) override {}  // links are narrow enough: 64 KiB
  void leave_descriptors(std::size_t count) override {
    if (name().starts_with("kqueue")) wait_for_closes();
    sim().set_max_descriptors(static_cast<std::uint32_t>(sim().open_handles() + count));
  }
  void restore_descriptors() override { sim().set_max_descriptors(0); }
  void fail_starts(bool always) override {
    sim::FaultPlan plan;
    plan.spawn_failure = always ? 1 : 0;
    world.set_faults(plan);
  }

 private:
  sim::SimBackend& sim() noexcept { return static_cast<sim::SimBackend&>(backend()); }
  static Natives natives(sim::SimBackend::Pair pair) { return {pair.first, pair.second}; }
};

}  // namespace

std::unique_ptr<Rig> make_rig(std::string_view name) {
  if (name.starts_with("sim")) return std::make_unique<SimulatedRig>(name);
  return std::make_unique<SystemRig>(name);
}

}  // namespace weir::conformance
