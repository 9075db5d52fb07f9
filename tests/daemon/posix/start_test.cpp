// What a start opens and resolves: listening sockets, names, log files.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/platform/child.hpp"
#include "core/platform/orphans.hpp"
#include "core/platform/sockets.hpp"
#include "daemon/listening.hpp"
#include "tests/daemon/listening_support.hpp"
#include "daemon/log_file.hpp"
#include "daemon/resolve.hpp"
#include "tests/support/catch.hpp"

using namespace weir;
using namespace weir::daemon;

namespace {

// A directory of the test's own, gone with it.
struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/weir-start-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void add_listener(proxy::Spec& spec, const std::string& name, std::vector<std::string> binds) {
  proxy::ListenerSpec& listener = spec.listeners.emplace_back();
  listener.name = name;
  listener.bind_texts = std::move(binds);
  for (const std::string& text : listener.bind_texts) listener.bind.push_back(*parse_address(text));
}

void close_all(const std::vector<proxy::AdoptedListener>& taken) {
  for (const proxy::AdoptedListener& it : taken) ::close(static_cast<int>(it.native));
}

bool listens(NativeHandle native) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(static_cast<int>(native), SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1;
}

}  // namespace

TEST_CASE("every worker gets a socket for every address, and port 0 becomes one port for all") {
  const Folder folder;
  proxy::Spec spec;
  spec.listeners.reserve(2);
  add_listener(spec, "web", {"127.0.0.1:0", "unix:" + folder.path + "/a.sock"});
  add_listener(spec, "more", {"127.0.0.1:0"});
  ListeningSockets sockets;
  REQUIRE(sockets.open(test::held(spec), 3).empty());

  REQUIRE(sockets.bound().size() == 3);
  CHECK(sockets.bound()[0].address.port != 0);
  CHECK(sockets.bound()[2].address.port != 0);
  CHECK(sockets.bound()[0].address.port != sockets.bound()[2].address.port);
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    const auto taken = sockets.take(worker, *test::compiled(spec));
    REQUIRE(taken.size() == 3);
    for (const auto& it : taken) CHECK(listens(it.native));
    const auto again = sockets.take(worker, *test::compiled(spec));
    CHECK(std::all_of(again.begin(), again.end(), [](const auto& it) { return it.native == no_native_handle; }));  // once
    close_all(taken);
  }
  CHECK(std::filesystem::exists(folder.path + "/a.sock"));
  sockets.remove_socket_files();
  CHECK_FALSE(std::filesystem::exists(folder.path + "/a.sock"));
}

TEST_CASE("an address that another process shares is found out, with one worker and with several") {
  proxy::Spec first_spec;
  add_listener(first_spec, "first", {"127.0.0.1:0"});
  for (const std::uint32_t holder : {1U, 2U}) {
    ListeningSockets first;
    REQUIRE(first.open(test::held(first_spec), holder).empty());
    proxy::Spec spec;
    add_listener(spec, "second", {to_string(first.bound()[0].address)});
    spec.listeners[0].origin = {"weir.yaml", 3, 9};
    for (const std::uint32_t workers : {1U, 2U}) {
      ListeningSockets second;
      const auto failures = second.open(test::held(spec), workers);
      REQUIRE(failures.size() == 1);
      INFO(failures[0]);
      CHECK(failures[0].starts_with("cannot listen on " + spec.listeners[0].bind_texts[0] +
                                    " (listener second, weir.yaml:3:9): the address is in use: "));
    }
  }
}

TEST_CASE("all addresses that cannot be opened are named") {
  proxy::Spec spec;
  add_listener(spec, "web", {"192.0.2.1:8080", "127.0.0.1:0", "unix:/nonexistent/folder/a.sock"});
  ListeningSockets sockets;
  const auto failures = sockets.open(test::held(spec), 2);
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].find("192.0.2.1:8080 (listener web): this machine does not have that address") !=
        std::string::npos);
  CHECK(failures[1].find("unix:/nonexistent/folder/a.sock (listener web): ") != std::string::npos);
}

TEST_CASE("a refusal says what to do about it") {
  proxy::ListenerSpec listener;
  listener.name = "web";
  listener.origin = {"weir.yaml", 3, 9};
  const Address http = *parse_address("127.0.0.1:80");
  CHECK(
      listen_failure(listener, http, Errc::permission_denied) ==
      "cannot listen on 127.0.0.1:80 (listener web, weir.yaml:3:9): permission denied: use a port above 1023 or grant "
      "CAP_NET_BIND_SERVICE");
  CHECK(listen_failure(listener, http, Errc::descriptor_limit).find("LimitNOFILE") != std::string::npos);
  CHECK(listen_failure(listener, http, Error(Errc::unknown, 71)).find("71") != std::string::npos);
  CHECK(listen_failure(listener, *parse_address("unix:/a"), Errc::permission_denied).find("directory") !=
        std::string::npos);
}

TEST_CASE("endpoint names are resolved once, addresses are left alone") {
  proxy::Spec spec;
  proxy::UpstreamSpec& upstream = spec.upstreams.emplace_back();
  upstream.name = "app";
  upstream.endpoints.resize(3);
  upstream.endpoints[0].text = "localhost:3000";
  upstream.endpoints[1].text = "127.0.0.1:3001";
  upstream.endpoints[1].addresses = {*parse_address("127.0.0.1:3001")};
  upstream.endpoints[2].text = "localhost:3000";
  const Resolved resolved = resolve_endpoints(spec);
  REQUIRE(resolved.failures.empty());
  REQUIRE(resolved.addresses.size() == 1);
  REQUIRE_FALSE(resolved.addresses.at("localhost:3000").empty());
  for (const Address& address : resolved.addresses.at("localhost:3000")) {
    CHECK(address.port == 3000);
    CHECK((to_string(address) == "127.0.0.1:3000" || to_string(address) == "[::1]:3000"));
  }
}

TEST_CASE("each endpoint that does not resolve is named with its place") {
  proxy::Spec spec;
  proxy::UpstreamSpec& upstream = spec.upstreams.emplace_back();
  upstream.name = "app";
  upstream.endpoints.resize(2);
  upstream.endpoints[0].text = "nowhere.invalid:80";
  upstream.endpoints[0].origin = {"weir.yaml", 7, 11};
  upstream.endpoints[1].text = "no port";
  const auto failures = resolve_endpoints(spec).failures;
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].starts_with("cannot resolve endpoint nowhere.invalid:80 (upstream app, weir.yaml:7:11): "));
  CHECK(failures[1].starts_with("cannot resolve endpoint no port (upstream app): it is neither"));
}

TEST_CASE("a log file is appended to, and reopened after it was moved") {
  const Folder folder;
  const std::string path = folder.path + "/access.log";
  std::ofstream(path) << "old\n";
  LogFile file(path);
  REQUIRE(file.open());
  file.write("one\n");
  CHECK(content(path) == "old\none\n");
  std::filesystem::rename(path, path + ".1");
  file.write("two\n");
  REQUIRE(file.reopen());
  file.write("three\n");
  CHECK(content(path + ".1") == "old\none\ntwo\n");
  CHECK(content(path) == "three\n");
}

TEST_CASE("a log file that cannot be opened says why, and stays what it was") {
  const Folder folder;
  LogFile missing(folder.path + "/no/access.log");
  REQUIRE_FALSE(missing.open());
  CHECK(missing.problem().find(folder.path + "/no/access.log") != std::string::npos);

  std::filesystem::create_directory(folder.path + "/logs");
  LogFile file(folder.path + "/logs/access.log");
  REQUIRE(file.open());
  std::filesystem::rename(folder.path + "/logs", folder.path + "/moved");
  CHECK_FALSE(file.reopen());
  file.write("still\n");
  CHECK(content(folder.path + "/moved/access.log") == "still\n");
}

TEST_CASE("lines that a full device does not take are an error") {
  LogFile file("/dev/full");
  REQUIRE(file.open());
  CHECK_THROWS_AS(file.write("lost\n"), LogWriteFailed);
  CHECK_THROWS_AS(file.write("lost\n"), LogWriteFailed);
}

TEST_CASE("a log to a FIFO starts without a reader, and what was written waits for one") {
  const Folder folder;
  const std::string path = folder.path + "/fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  LogFile file(path);
  REQUIRE(file.open());
  file.write("one\n");
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  char bytes[16];
  CHECK(::read(reader, bytes, sizeof bytes) == 4);
  ::close(reader);
  file.write("two\n");  // nothing reads it any more: no signal, no error
  REQUIRE(file.reopen());
  file.write("three\n");
}

TEST_CASE("the socket file that was bound is removed, and no other of its name") {
  const Folder folder;
  const std::string path = folder.path + "/a.sock";
  proxy::Spec spec;
  add_listener(spec, "web", {"unix:" + path});
  for (const bool replaced : {false, true}) {
    ListeningSockets sockets;
    REQUIRE(sockets.open(test::held(spec), 1).empty());
    if (replaced) {  // by the next weir, which listens there already
      std::filesystem::rename(path, path + ".old");
      std::ofstream(path) << "another's";
    }
    sockets.remove_socket_files();
    CHECK(std::filesystem::exists(path) == replaced);
    close_all(sockets.take(0, *test::compiled(spec)));
  }
}

TEST_CASE("children that nobody started here are reaped, own ones are left to their owner") {
  const pid_t inherited = ::fork();
  if (inherited == 0) ::_exit(0);
  ChildProcess own;
  SpawnSpec spec;
  const std::vector<std::string> argv{"/bin/sh", "-c", "exit 7"};
  spec.argv = argv;
  REQUIRE_FALSE(platform::spawn(own, spec));
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(own.id), &ended, WEXITED | WNOWAIT) == 0);
  REQUIRE(::waitid(P_PID, static_cast<id_t>(inherited), &ended, WEXITED | WNOWAIT) == 0);

  platform::adopt_orphans();
  ended = {};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(own.id), &ended, WEXITED | WNOHANG | WNOWAIT) == 0);
  CHECK(ended.si_status == 7);
  platform::close(own);  // looks again: the system may have told of this one first
  CHECK(::waitid(P_PID, static_cast<id_t>(inherited), &ended, WEXITED | WNOHANG) == -1);
  CHECK(errno == ECHILD);
}
