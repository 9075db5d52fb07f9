// What only Windows has: its number of sockets, handles that were not opened for overlapped I/O, sockets that move
// between loops and pipes that do not, batch files.

#include "tests/conformance/rig.hpp"
// Before windows.h, which has names of its own for common words.
#include <cstdio>
#include <fstream>

#include "core/backends/registry.hpp"
#include "core/platform/windows/pipes.hpp"
#include "core/platform/windows/text.hpp"
#include "core/platform/windows/winsock.hpp"
#include "core/reactor/restrictions.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

std::string_view rule_of(const Error& error) {
  REQUIRE(error.code == Errc::not_supported);
  REQUIRE(restriction(error.rule) != nullptr);
  return restriction(error.rule)->id;
}

}  // namespace

BACKEND_TEST("the 513th socket is refused by select only, and the others go on", systems) {
  constexpr std::size_t most = 512;
  std::vector<Handle> handles(most - 3);
  Handle listener, client, server, one_more;
  Closing closing(rig, {&listener, &client, &server, &one_more});
  rig.listen(listener);
  rig.connect(listener, client, server);
  for (Handle& handle : handles) {
    closing.add(handle);
    rig.open_stream(handle);
  }
  OpenSpec spec;
  spec.address.family = Family::ipv4;
  REQUIRE(rig.backend().open(one_more, spec).code == Errc::ok);
  const Error error = rig.backend().attach(one_more);
  if (rig.name() == "select") {
    CHECK(rule_of(error) == "windows-select-512");
  } else {
    CHECK(error.code == Errc::ok);
  }
  CHECK(rig.send_all(client, "still here") == 10);
  CHECK(rig.receive(server, 10) == "still here");
  // There is room again.
  rig.backend().close(handles[0]);
  if (rig.name() == "select") CHECK(rig.backend().attach(one_more).code == Errc::ok);
}

BACKEND_TEST("all 512 sockets are waited for at once", systems) {
  constexpr std::size_t count = 255;
  std::vector<Handle> clients(count), servers(count);
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  std::vector<std::unique_ptr<Flight>> flights;
  std::vector<char> memory(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    rig.connect(listener, clients[i], servers[i]);
    closing.add(clients[i]);
    closing.add(servers[i]);
  }
  for (std::size_t i = 0; i < 2 * count; ++i) {
    flights.push_back(std::make_unique<Flight>(i < count ? clients[i] : servers[i - count], OpKind::recv));
    flights[i]->memory = {&memory[i], 1};
    REQUIRE(rig.submit(*flights[i]) == Submit::pending);
  }
  for (std::size_t i = count; i-- > 0;) {
    CHECK(rig.send_all(clients[i], "c") == 1);
    CHECK(rig.send_all(servers[i], "s") == 1);
  }
  for (std::size_t i = 0; i < 2 * count; ++i) {
    if (!flights[i]->ended()) rig.finish(*flights[i]);
    CHECK(memory[i] == (i < count ? 's' : 'c'));
  }
}

BACKEND_TEST("a pipe that was not opened for overlapped I/O is refused with the backend's rule", systems) {
  const auto pipe = platform::make_pipe(false);
  REQUIRE(pipe.has_value());
  Handle plain;
  Closing closing(rig, {&plain});
  OpenSpec spec;
  spec.what = OpenSpec::What::adopt;
  spec.native = pipe->theirs;
  REQUIRE(rig.backend().open(plain, spec).code == Errc::ok);
  const Error error = rig.backend().attach(plain);
  CHECK(rule_of(error) == (rig.name() == "select" ? "windows-select-no-pipes" : "windows-iocp-overlapped-pipes"));
  rig.discard(pipe->ours);
}

BACKEND_TEST("a stream is not watched with the iocp backend", systems) {
  if (rig.name() != "iocp") {
    SUCCEED("windows-iocp-no-watch does not hold here: the contract's tests watch");
    return;
  }
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  for (const OpKind kind : {OpKind::watch_read, OpKind::watch_write}) {
    Flight watching(client, kind);
    REQUIRE(rig.submit(watching) == Submit::done);
    CHECK(rule_of(watching.error) == "windows-iocp-no-watch");
  }
}

// One thread accepts, another serves: an accepted socket has joined no port yet.
BACKEND_TEST("a socket that one loop accepted is served by another", systems) {
  auto other = make_backend(rig.name());
  REQUIRE(other.has_value());
  Handle listener, client, server;
  rig.listen(listener);
  rig.open_stream(client);
  const Address to = rig.address_of(listener);
  Flight connecting(client, OpKind::connect);
  connecting.connect = {&to};
  Flight accepting(listener, OpKind::accept);
  accepting.accept = {&server, nullptr};
  const Submit begun = rig.submit(connecting);
  rig.run(accepting);
  if (begun == Submit::pending && !connecting.ended()) rig.finish(connecting);
  REQUIRE(connecting.code() == Errc::ok);
  REQUIRE((*other)->attach(server).code == Errc::ok);
  REQUIRE(rig.send_all(client, "moved") == 5);
  char memory[8];
  Flight reading(server, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  reading.state = OpState::in_flight;
  if ((*other)->submit(reading) == Submit::pending) {
    Queue<Op> ready;
    while (ready.empty()) (*other)->wait((*other)->now() + std::chrono::seconds{10}, ready);
    REQUIRE(ready.pop() == &reading);
  }
  reading.state = OpState::idle;
  CHECK(std::string_view(memory, reading.bytes) == "moved");
  (*other)->close(server);
  rig.backend().close(client);
  rig.backend().close(listener);
}

// A pipe has joined its listener's port before it was accepted, and Windows lets it join no other.
BACKEND_TEST("a named pipe that one loop accepted is not taken by another", systems) {
  const std::string name = "weir-stays-" + std::to_string(::GetCurrentProcessId());
  Handle listener, client, server;
  const Closing closing(rig, {&listener, &client, &server});
  OpenSpec spec;
  spec.address.family = Family::named_pipe;
  spec.address.path = name;
  spec.what = OpenSpec::What::listener;
  if (rig.refused_here(Feature::named_pipes, [&] { return rig.backend().open(listener, spec); })) return;
  REQUIRE(rig.backend().open(listener, spec).code == Errc::ok);
  REQUIRE(rig.backend().attach(listener).code == Errc::ok);
  spec.what = OpenSpec::What::stream;
  REQUIRE(rig.backend().open(client, spec).code == Errc::ok);
  REQUIRE(rig.backend().attach(client).code == Errc::ok);
  Flight connecting(client, OpKind::connect);
  connecting.connect = {&spec.address};
  rig.run(connecting);
  Flight accepting(listener, OpKind::accept);
  accepting.accept = {&server, nullptr};
  rig.run(accepting);
  REQUIRE(accepting.code() == Errc::ok);
  CHECK(aborts([&] { static_cast<void>((*make_backend(rig.name()))->attach(server)); }));
  CHECK(rig.backend().attach(server).code == Errc::ok);
}

// --- batch files ---

namespace {

// A batch file in the temporary folder that is gone afterwards.
struct Script {
  explicit Script(const std::string& text) {
    wchar_t folder[MAX_PATH];
    REQUIRE(::GetTempPathW(MAX_PATH, folder) > 0);
    path = platform::to_utf8(folder) + "weir check " + std::to_string(::GetCurrentProcessId()) + ".cmd";
    std::ofstream(path, std::ios::binary) << text;
  }
  ~Script() { std::remove(path.c_str()); }
  std::string path;
};

}  // namespace

BACKEND_TEST("a batch file is run by the system's shell, gets its arguments and tells how it ended", systems) {
  const Script script("@echo off\r\necho [%1] [%2]\r\nexit /b 7\r\n");
  ChildProcess child;
  Handle out;
  Closing closing(rig, {&child, &out});
  const std::vector<std::string> argv{script.path, "one & two", "three"};
  SpawnSpec spec;
  spec.argv = argv;
  spec.stdout_from = &out;
  if (rig.refused_here(Feature::child_processes, [&] { return rig.backend().spawn(child, spec); })) return;
  REQUIRE(rig.backend().spawn(child, spec).code == Errc::ok);
  REQUIRE(rig.backend().attach(child).code == Errc::ok);
  REQUIRE(rig.backend().attach(out).code == Errc::ok);
  std::string said;
  for (char memory[64];;) {
    Flight reading(out, OpKind::read);
    reading.memory = {memory, sizeof memory};
    rig.run(reading);
    if (reading.bytes == 0) break;
    said.append(memory, reading.bytes);
  }
  ExitStatus status;
  Flight waiting(child, OpKind::wait_child);
  waiting.child = {&status};
  rig.run(waiting);
  CHECK(said == "[\"one & two\"] [\"three\"]\r\n");
  CHECK(status.code == 7);
}

BACKEND_TEST("a batch file is not started with an argument that its shell would take for more than text", systems) {
  const Script script("@exit /b 0\r\n");
  for (const char* bad : {"\"&calc", "%PATH%", "two\nlines"}) {
    ChildProcess child;
    const std::vector<std::string> argv{script.path, bad};
    SpawnSpec spec;
    spec.argv = argv;
    if (rig.refused_here(Feature::child_processes, [&] { return rig.backend().spawn(child, spec); })) return;
    CHECK(rig.backend().spawn(child, spec).code == Errc::bad_argument);
    CHECK_FALSE(child.is_open());
  }
}
