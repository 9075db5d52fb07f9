// What core/platform makes of descriptors: their kinds and flags, unix socket files, the wakeup.

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "core/backends/registry.hpp"
#include "core/platform/clock.hpp"
#include "core/platform/errors.hpp"
#include "core/platform/signal_source.hpp"
#include "core/platform/sockets.hpp"
#include "core/platform/wakeup.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

namespace {

int fd_of(const Handle& handle) { return static_cast<int>(handle.native); }

struct Opened : Handle {
  ~Opened() {
    if (is_open()) platform::close(*this);
  }
};

OpenSpec listening_on(const Address& address) {
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = address;
  return spec;
}

Address unix_address(const std::string& path) {
  Address address;
  address.family = Family::unix_path;
  address.path = path;
  return address;
}

Error adopt(Handle& handle, int fd) {
  OpenSpec spec;
  spec.what = OpenSpec::What::adopt;
  spec.native = fd;
  return platform::open(handle, spec);
}

bool is_private(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

int tcp_option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd, IPPROTO_TCP, name, &value, &size);
  return value;
}

bool readable(const platform::Wakeup& wakeup) {
  pollfd one{static_cast<int>(wakeup.descriptor()), POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

// A socket file in the working directory that is gone afterwards.
struct SocketFile {
  explicit SocketFile(std::string name) : path(std::move(name)) { std::remove(path.c_str()); }
  ~SocketFile() { std::remove(path.c_str()); }
  std::string path;
};

}  // namespace

TEST_CASE("adopted descriptors are told apart by what they are") {
  int pipe_ends[2], datagram[2], stream[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, datagram) == 0);
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0);
  Opened pipe, foreign, socket, device;
  REQUIRE_FALSE(adopt(pipe, pipe_ends[0]));
  CHECK(pipe.kind == HandleKind::pipe);
  CHECK(is_private(pipe_ends[0]));
  CHECK(pipe.shared);
  REQUIRE_FALSE(adopt(foreign, datagram[0]));
  CHECK(foreign.kind == HandleKind::foreign);
  CHECK((::fcntl(datagram[0], F_GETFL) & O_NONBLOCK) == 0);  // another owner's: its mode is left alone
  REQUIRE_FALSE(adopt(socket, stream[0]));
  CHECK(socket.kind == HandleKind::stream_socket);
  REQUIRE_FALSE(adopt(device, ::open("/dev/null", O_RDWR)));
  CHECK(device.kind == HandleKind::char_device);
  for (const int other : {pipe_ends[1], datagram[1], stream[1]}) ::close(other);
}

TEST_CASE("an adopted listener is a listener") {
  Opened listener;
  REQUIRE_FALSE(platform::open(listener, listening_on(*parse_address("127.0.0.1:0"))));
  Opened adopted;
  REQUIRE_FALSE(adopt(adopted, ::dup(fd_of(listener))));
  CHECK(adopted.kind == HandleKind::listener);
}

TEST_CASE("directories are refused as regular files are, with their rule") {
  const int directory = ::open(".", O_RDONLY);
  REQUIRE(directory >= 0);
  Handle handle;
  const Error error = adopt(handle, directory);
  CHECK(error.code == Errc::not_supported);
  CHECK(error.rule == rule_named("regular-files-not-watchable"));
  CHECK_FALSE(handle.is_open());
  CHECK(::close(directory) == 0);
  CHECK(adopt(handle, directory).code == Errc::bad_descriptor);
}

TEST_CASE("accepted sockets are private, non-blocking and without delay") {
  for (const char* text : {"127.0.0.1:0", "[::1]:0"}) {
    Opened listener, client, server;
    const Error opened = platform::open(listener, listening_on(*parse_address(text)));
    if (opened.code == Errc::address_not_available) continue;  // a machine without IPv6
    REQUIRE_FALSE(opened);
    const Address to = platform::local_address(listener).value();
    CHECK(to.port != 0);
    OpenSpec stream;
    stream.address = to;
    REQUIRE_FALSE(platform::open(client, stream));
    CHECK(is_private(fd_of(client)));
    CHECK(tcp_option(fd_of(client), TCP_NODELAY) == 1);
    Op connecting;
    connecting.handle = &client;
    connecting.kind = OpKind::connect;
    connecting.connect = {&to};
    CHECK(platform::perform(connecting) == platform::Attempt::would_block);
    Op accepting;
    Address peer;
    accepting.handle = &listener;
    accepting.kind = OpKind::accept;
    accepting.accept = {&server, &peer};
    pollfd ready{fd_of(listener), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 10'000) == 1);
    REQUIRE(platform::perform(accepting) == platform::Attempt::done);
    CHECK(platform::finish_connect(connecting) == platform::Attempt::done);
    CHECK_FALSE(connecting.error);
    CHECK(is_private(fd_of(server)));
    CHECK(tcp_option(fd_of(server), TCP_NODELAY) == 1);
    CHECK(platform::local_address(client).value() == peer);
    CHECK(platform::peer_address(client).value() == to);
  }
}

TEST_CASE("a socket file that nobody accepts on is replaced, and has the mode asked for") {
  const SocketFile file("weir-stale-test.sock");
  OpenSpec spec = listening_on(unix_address(file.path));
  spec.unix_mode = 0640;
  {
    Opened first;
    REQUIRE_FALSE(platform::open(first, spec));
  }  // closed, the file stays
  struct stat found{};
  REQUIRE(::stat(file.path.c_str(), &found) == 0);
  Opened second;
  REQUIRE_FALSE(platform::open(second, spec));
  REQUIRE(::stat(file.path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0640);
}

TEST_CASE("a socket file with a server behind it is left alone") {
  const SocketFile file("weir-busy-test.sock");
  Opened first, second;
  REQUIRE_FALSE(platform::open(first, listening_on(unix_address(file.path))));
  CHECK(platform::open(second, listening_on(unix_address(file.path))).code == Errc::address_in_use);
  Opened client;
  OpenSpec stream;
  stream.address.family = Family::unix_path;
  REQUIRE_FALSE(platform::open(client, stream));
  const Address to = unix_address(file.path);
  Op connecting;
  connecting.handle = &client;
  connecting.kind = OpKind::connect;
  connecting.connect = {&to};
  CHECK(platform::perform(connecting) == platform::Attempt::done);
  CHECK_FALSE(connecting.error);
}

TEST_CASE("a file that is no socket is never removed for a listener") {
  const SocketFile file("weir-precious-test.txt");
  std::FILE* precious = std::fopen(file.path.c_str(), "w");
  REQUIRE(precious != nullptr);
  std::fclose(precious);
  Handle listener;
  CHECK(platform::open(listener, listening_on(unix_address(file.path))).code == Errc::address_in_use);
  CHECK(::access(file.path.c_str(), F_OK) == 0);
}

TEST_CASE("what is wrong with a unix path is told apart") {
  Handle listener;
  CHECK(platform::open(listener, listening_on(unix_address("no-such-directory/x.sock"))).code == Errc::not_found);
  const std::string long_path(200, 'x');
  CHECK(platform::open(listener, listening_on(unix_address(long_path))).code == Errc::bad_argument);
}

// The backlog of a unix socket is full: the kernel says EAGAIN, and no readiness would ever come.
TEST_CASE("connecting to a unix socket with a full backlog ends as refused") {
  const SocketFile file("weir-full-test.sock");
  Opened listener;
  OpenSpec spec = listening_on(unix_address(file.path));
  spec.backlog = 0;
  REQUIRE_FALSE(platform::open(listener, spec));
  const Address to = unix_address(file.path);
  Opened clients[8];
  Errc last = Errc::ok;
  for (Opened& client : clients) {
    OpenSpec stream;
    stream.address.family = Family::unix_path;
    REQUIRE_FALSE(platform::open(client, stream));
    Op connecting;
    connecting.handle = &client;
    connecting.kind = OpKind::connect;
    connecting.connect = {&to};
    CHECK(platform::perform(connecting) == platform::Attempt::done);
    last = connecting.error.code;
    if (last != Errc::ok) break;
  }
  CHECK(last == Errc::connection_refused);
}

TEST_CASE("a wakeup is readable from the first signal until it is drained") {
  platform::Wakeup wakeup;
  REQUIRE_FALSE(wakeup.open());
  CHECK_FALSE(readable(wakeup));
  for (int i = 0; i < 200'000; ++i) wakeup.signal();  // more than a pipe holds
  CHECK(readable(wakeup));
  wakeup.drain();
  CHECK_FALSE(readable(wakeup));
  std::thread other([&] { wakeup.signal(); });
  other.join();
  CHECK(readable(wakeup));
  wakeup.drain();
}

TEST_CASE("a pipe serves as a wakeup where there is no eventfd") {
  ::setenv("WEIR_FORCE_FALLBACKS", "1", 1);
  platform::Wakeup wakeup;
  const Error error = wakeup.open();
  ::unsetenv("WEIR_FORCE_FALLBACKS");
  REQUIRE_FALSE(error);
  for (int i = 0; i < 200'000; ++i) wakeup.signal();
  CHECK(readable(wakeup));
  wakeup.drain();
  CHECK_FALSE(readable(wakeup));
}

TEST_CASE("error numbers become portable codes and keep themselves for the log") {
  const std::pair<int, Errc> expected[] = {{ECONNRESET, Errc::connection_reset},
                                           {EPIPE, Errc::broken_pipe},
                                           {EMFILE, Errc::descriptor_limit},
                                           {ENFILE, Errc::descriptor_limit},
                                           {ENOBUFS, Errc::out_of_memory},
                                           {EADDRINUSE, Errc::address_in_use},
                                           {EACCES, Errc::permission_denied},
                                           {ECONNREFUSED, Errc::connection_refused},
                                           {EAGAIN, Errc::would_block},
                                           {EHOSTUNREACH, Errc::host_unreachable},
                                           {ENOENT, Errc::not_found},
                                           {12345, Errc::unknown}};
  for (const auto& [number, code] : expected) {
    CHECK(platform::error_from(number).code == code);
    CHECK(platform::error_from(number).native == number);
  }
  CHECK_FALSE(platform::error_from(0));
}

TEST_CASE("the monotonic clock moves and has a resolution") {
  const TimePoint before = platform::monotonic_now();
  while (platform::monotonic_now() == before) {}
  CHECK(platform::monotonic_now() > before);
  CHECK(platform::monotonic_resolution() >= Duration{1});
  CHECK(platform::wall_now().ns > 1'600'000'000'000'000'000);
}

TEST_CASE("a signal that comes while the process ends does not end it with another status") {
  sigset_t before, pending, terminate;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    platform::SignalSource source;
    REQUIRE_FALSE(source.open());
    source.deliver_here();
    source.deliver_no_more();
  }
  ::raise(SIGTERM);  // its handler is the system's again
  ::sigpending(&pending);
  CHECK(::sigismember(&pending, SIGTERM) == 1);
  ::sigemptyset(&terminate);
  ::sigaddset(&terminate, SIGTERM);
  int taken = 0;
  ::sigwait(&terminate, &taken);
  CHECK(taken == SIGTERM);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}
