// Descriptors and variables as a program finds them that systemd has started: a real one, tests/systemd/probe.

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "systemd/environment.hpp"
#include "systemd/listen_fds.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sockets.hpp"
#include "tests/support/test_child.hpp"

using namespace weir;
using namespace weir::systemd;

namespace {

std::string probe_path() { return std::filesystem::path(test_child_path()).parent_path() / "weir_systemd_probe"; }

std::string read_all(int descriptor) {
  std::string out;
  char bytes[4096];
  for (ssize_t size; (size = ::read(descriptor, bytes, sizeof bytes)) > 0;) {
    out.append(bytes, static_cast<std::size_t>(size));
  }
  return out;
}

// What systemd does between fork and exec, in the child: descriptors from 3 on, LISTEN_PID its own.
[[noreturn]] void become(const std::string& program, const char* what, const std::vector<int>& descriptors,
                         bool for_another) {
  int next = 3;
  for (const int descriptor : descriptors) {
    ::dup2(descriptor, next);  // those of the test are above 100
    ++next;
  }
  const pid_t pid = ::getpid() + (for_another ? 1 : 0);
  ::setenv("LISTEN_PID", std::to_string(pid).c_str(), 1);
  ::execl(program.c_str(), program.c_str(), what, nullptr);
  ::_exit(127);
}

// Its standard output.
std::string run_probe(const char* what, const std::vector<int>& descriptors, bool for_another = false) {
  const std::string program = probe_path();
  int output[2];
  REQUIRE(::pipe2(output, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(output[1], 1);
    become(program, what, descriptors, for_another);
  }
  ::close(output[1]);
  std::string out = read_all(output[0]);
  ::close(output[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WEXITSTATUS(status) != 0) out += "exit status " + std::to_string(WEXITSTATUS(status)) + "\n";
  return out;
}

// Above 100, so that the child can place copies from 3 on. Closed by exec.
int high(int descriptor) {
  const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 100);
  ::close(descriptor);
  REQUIRE(copy >= 100);
  return copy;
}

int listening(const std::string& path) {
  const int made = high(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, path.data(), path.size());
  if (path.front() == '@') where.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  REQUIRE(::bind(made, reinterpret_cast<const sockaddr*>(&where), length) == 0);
  REQUIRE(::listen(made, 1) == 0);
  return made;
}

struct Variables {
  explicit Variables(std::vector<std::pair<const char*, std::string>> values) : names() {
    for (const auto& [name, value] : values) {
      ::setenv(name, value.c_str(), 1);
      names.push_back(name);
    }
  }
  ~Variables() {
    for (const char* name : names) ::unsetenv(name);
  }
  std::vector<const char*> names;
};

}  // namespace

TEST_CASE("a program that is started with sockets finds them by name, with address and kind") {
  std::string folder = (std::filesystem::temp_directory_path() / "weir-passed-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/web.sock";
  const std::string abstract = "@" + folder;
  const int one = listening(path);
  const int two = listening(abstract);
  const auto [connected, peer] = test::socket_pair();
  const int three = high(static_cast<int>(connected));
  const Variables variables({{"LISTEN_FDS", "3"}, {"LISTEN_FDNAMES", "web:weir-listen/web/0:other"}});
  CHECK(run_probe("list", {one, two, three}) == fmt::format("3 web listening unix:{} private\n"
                                                            "4 weir-listen/web/0 listening unix:{} private\n"
                                                            "5 other other unix: private\n",
                                                            path, abstract));
  CHECK(run_probe("list", {one, two, three}, true).empty());
  for (const int each : {one, two, three}) ::close(each);
  test::close_socket(peer);
  std::filesystem::remove_all(folder);
}

TEST_CASE("an IPv4 or IPv6 socket that was passed says its address and port") {
  const int four = high(::socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(::listen(four, 1) == 0);  // binds to any address and a port of the system's choice
  const int six = high(::socket(AF_INET6, SOCK_STREAM, 0));
  PassedDescriptor passed;
  passed.descriptor = four;
  CHECK_FALSE(inspect(passed));
  CHECK(passed.kind == PassedDescriptor::Kind::listening_stream);
  CHECK(passed.address().family == Family::ipv4);
  CHECK(passed.address().port != 0);
  PassedDescriptor silent;
  silent.descriptor = six;
  CHECK_FALSE(inspect(silent));
  CHECK(silent.kind == PassedDescriptor::Kind::other);  // it does not listen
  CHECK(silent.address().family == Family::ipv6);
  const int datagram = high(::socket(AF_INET, SOCK_DGRAM, 0));
  PassedDescriptor third;
  third.descriptor = datagram;
  CHECK_FALSE(inspect(third));
  CHECK(third.kind == PassedDescriptor::Kind::other);
  for (const int each : {four, six, datagram}) ::close(each);
}

TEST_CASE("a descriptor that was promised and is not open is refused by number and name") {
  const Variables variables({{"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "web:admin"}});
  const int one = listening("@weir-passed-" + std::to_string(::getpid()));
  CHECK(run_probe("list", {one}) ==
        "LISTEN_FDS says 2 descriptors, but number 4 (\"admin\") cannot be used: bad file descriptor (os error 9)\n"
        "exit status 1\n");
  ::close(one);
}

TEST_CASE("programs that a service starts inherit none of systemd's variables") {
  const Variables variables({{"NOTIFY_SOCKET", "/run/notify"},
                             {"WATCHDOG_USEC", "1000000"},
                             {"WATCHDOG_PID", "1"},
                             {"LISTEN_FDS", "0"},
                             {"LISTEN_FDNAMES", ""},
                             {"LISTEN_PIDFDID", "7"},
                             {"JOURNAL_STREAM", "8:9"},
                             {"INVOCATION_ID", "abc"}});
  const std::string seen = run_probe("environment", {});
  CHECK(seen.find("taken NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=1000000 WATCHDOG_PID=1 LISTEN_FDS=0 "
                  "JOURNAL_STREAM=8:9\n") == 0);
  for (const char* gone : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS",
                           "LISTEN_FDNAMES", "LISTEN_PIDFDID"}) {
    CAPTURE(gone);
    CHECK(seen.find("\nleft " + std::string(gone) + "=") == std::string::npos);
  }
  CHECK(seen.find("\nleft JOURNAL_STREAM=8:9\n") != std::string::npos);
  CHECK(seen.find("\nleft INVOCATION_ID=abc\n") != std::string::npos);
}

TEST_CASE("a process that takes over may notify and is watched, whatever its number") {
  Environment environment;
  CHECK(environment_of_successor(environment).empty());
  environment.notify_socket = "/run/systemd/notify";
  environment.watchdog_usec = "30000000";
  environment.watchdog_pid = "42";
  environment.listen_fds = "2";
  CHECK(environment_of_successor(environment) ==
        std::vector<std::string>{"NOTIFY_SOCKET=/run/systemd/notify", "WATCHDOG_USEC=30000000"});
}
