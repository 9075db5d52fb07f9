// The rig of POSIX systems: backends by their registry, descriptors by their number.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "core/backends/registry.hpp"
#include "core/platform/sockets.hpp"
#include "tests/conformance/rig.hpp"
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
    std::string name = (std::filesystem::temp_directory_path() / "weir-conformance-XXXXXX").string();
    const int fd = ::mkstemp(name.data());
    REQUIRE(fd >= 0);
    ::unlink(name.c_str());
    return fd;
  }
  std::string test_child() override { return test_child_path(); }
  void discard(NativeHandle native) override { ::close(static_cast<int>(native)); }

  void narrow(Handle& stream) override {
    const int bytes = 4096;
    ::setsockopt(static_cast<int>(stream.native), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }

  void leave_descriptors(std::size_t count) override {
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

}  // namespace

std::unique_ptr<Rig> make_system_rig(std::string_view name) { return std::make_unique<SystemRig>(name); }

namespace {

// How a process of its own ended that ran the function. A failed REQUIRE must not let it go on with the suite.
int status_alone(const std::function<void()>& function) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    ::close(2);
    try {
      function();
    } catch (...) { std::_Exit(1); }
    std::_Exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

bool aborts(const std::function<void()>& function) {
  const int status = status_alone(function);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

bool started_for_one_test() noexcept { return false; }

bool succeeds_alone(const std::function<void()>& function) { return status_alone(function) == 0; }

}  // namespace weir::conformance
