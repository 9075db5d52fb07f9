// Named pipes as listeners and streams, where there are any; elsewhere each test checks the refusal. A system that has
// them is Windows, and the simulator as Windows.

#include <string>

#include "core/platform/program.hpp"
#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

// A name that is not in use, and the ends of what goes by it.
struct Pipe {
  explicit Pipe(Rig& owner)
      : rig(owner),
        name("weir-conformance-" + std::to_string(platform::process_id()) + "-" + std::string(owner.name())) {
    address.family = Family::named_pipe;
    address.path = name;
  }

  Error open(Handle& handle, OpenSpec::What what, bool beside = false) {
    OpenSpec spec;
    spec.what = what;
    spec.address = address;
    spec.reuse_port = beside;
    return rig.backend().open(handle, spec);
  }
  bool refused() {
    return rig.refused_here(Feature::named_pipes, [&] { return open(listener, OpenSpec::What::listener); }) &&
           rig.refused_here(Feature::named_pipes, [&] { return open(client, OpenSpec::What::stream); });
  }
  void listen(Handle& handle, bool beside = false) {
    REQUIRE(open(handle, OpenSpec::What::listener, beside).code == Errc::ok);
    REQUIRE(rig.backend().attach(handle).code == Errc::ok);
  }
  void open_stream(Handle& handle) {
    REQUIRE(open(handle, OpenSpec::What::stream).code == Errc::ok);
    REQUIRE(rig.backend().attach(handle).code == Errc::ok);
  }
  void connect(Handle& client_end, Handle& server_end) {
    open_stream(client_end);
    Flight connecting(client_end, OpKind::connect);
    connecting.connect = {&address};
    Flight accepting(listener, OpKind::accept);
    accepting.accept = {&server_end, nullptr};
    rig.submit(connecting);
    rig.run(accepting);
    if (!connecting.ended()) rig.finish(connecting);
    REQUIRE(connecting.code() == Errc::ok);
    REQUIRE(accepting.code() == Errc::ok);
    REQUIRE(rig.backend().attach(server_end).code == Errc::ok);
  }
  void connect() {
    listen(listener);
    connect(client, server);
  }

  Rig& rig;
  std::string name;
  Address address;
  Handle listener, client, server;
  Closing closing{rig, {&client, &server, &listener}};
};

}  // namespace

BACKEND_TEST("a named pipe is listened on, connected to and written in both directions") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.listen(pipe.listener);
  CHECK(pipe.listener.kind == HandleKind::pipe_listener);
  pipe.open_stream(pipe.client);
  CHECK(pipe.client.kind == HandleKind::pipe_stream);
  Flight connecting(pipe.client, OpKind::connect);
  connecting.connect = {&pipe.address};
  Address peer;
  Flight accepting(pipe.listener, OpKind::accept);
  accepting.accept = {&pipe.server, &peer};
  rig.submit(connecting);
  rig.run(accepting);
  if (!connecting.ended()) rig.finish(connecting);
  REQUIRE(accepting.code() == Errc::ok);
  REQUIRE(connecting.code() == Errc::ok);
  CHECK(peer.family == Family::named_pipe);
  CHECK(peer.path.empty());
  CHECK(pipe.server.kind == HandleKind::pipe_stream);
  REQUIRE(rig.backend().attach(pipe.server).code == Errc::ok);
  CHECK(rig.send_all(pipe.client, "by name") == 7);
  CHECK(rig.receive(pipe.server, 7) == "by name");
  CHECK(rig.send_all(pipe.server, "and back") == 8);
  CHECK(rig.receive(pipe.client, 8) == "and back");
}

BACKEND_TEST("clients of a named pipe come one after the other, and each gets its own stream") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.listen(pipe.listener);
  Handle clients[5], servers[5];
  Closing closing(rig, {});
  for (int i = 0; i < 5; ++i) {
    closing.add(clients[i]);
    closing.add(servers[i]);
    pipe.connect(clients[i], servers[i]);
  }
  for (int i = 0; i < 5; ++i) {
    const std::string word = "client " + std::to_string(i);
    CHECK(rig.send_all(clients[i], word) == word.size());
    CHECK(rig.receive(servers[i], word.size()) == word);
  }
}

BACKEND_TEST("a client that finds a named pipe busy waits, and is connected when there is room") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.listen(pipe.listener);
  constexpr int crowd = 4;
  Handle clients[crowd], servers[crowd];
  Closing closing(rig, {});
  std::vector<std::unique_ptr<Flight>> connecting;
  for (Handle& client : clients) {
    closing.add(client);
    pipe.open_stream(client);
    connecting.push_back(std::make_unique<Flight>(client, OpKind::connect));
    connecting.back()->connect = {&pipe.address};
    rig.submit(*connecting.back());
  }
  for (Handle& server : servers) {
    closing.add(server);
    Flight accepting(pipe.listener, OpKind::accept);
    accepting.accept = {&server, nullptr};
    rig.run(accepting);
    REQUIRE(accepting.code() == Errc::ok);
  }
  for (const auto& op : connecting) {
    if (!op->ended()) rig.finish(*op);
    CHECK(op->code() == Errc::ok);
  }
}

BACKEND_TEST("a client that waits for a busy named pipe can be cancelled, and others go on") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  Handle waiting, next_client, next_server;
  Closing closing(rig, {&waiting, &next_client, &next_server});
  pipe.connect();
  pipe.open_stream(next_client);  // takes the instance that listens
  Flight taking(next_client, OpKind::connect);
  taking.connect = {&pipe.address};
  rig.run(taking);
  REQUIRE(taking.code() == Errc::ok);
  pipe.open_stream(waiting);
  Flight connecting(waiting, OpKind::connect);
  connecting.connect = {&pipe.address};
  if (rig.submit(connecting) == Submit::pending) {
    rig.cancel(connecting);
    rig.finish(connecting);
  }
  // The simulator has a backlog, in which the connection may be by now.
  CHECK((connecting.code() == Errc::cancelled || rig.simulated()));
  Flight accepting(pipe.listener, OpKind::accept);
  accepting.accept = {&next_server, nullptr};
  rig.run(accepting);
  CHECK(accepting.code() == Errc::ok);
}

BACKEND_TEST("a named pipe that nobody listens on cannot be connected to") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.open_stream(pipe.client);
  Flight connecting(pipe.client, OpKind::connect);
  connecting.connect = {&pipe.address};
  rig.run(connecting);
  CHECK((connecting.code() == Errc::not_found || connecting.code() == Errc::connection_refused));
}

BACKEND_TEST("an accept on a named pipe is cancelled, and the next one gets the next client") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.listen(pipe.listener);
  Flight accepting(pipe.listener, OpKind::accept);
  accepting.accept = {&pipe.server, nullptr};
  REQUIRE(rig.submit(accepting) == Submit::pending);
  rig.cancel(accepting);
  rig.finish(accepting);
  CHECK(accepting.code() == Errc::cancelled);
  CHECK_FALSE(pipe.server.is_open());
  pipe.connect(pipe.client, pipe.server);
  CHECK(rig.send_all(pipe.client, "x") == 1);
  CHECK(rig.receive(pipe.server, 1) == "x");
}

BACKEND_TEST("a client that leaves a named pipe before it is accepted does not spoil it for the next") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.listen(pipe.listener);
  Handle gone;
  pipe.open_stream(gone);
  Flight connecting(gone, OpKind::connect);
  connecting.connect = {&pipe.address};
  rig.run(connecting);
  REQUIRE(connecting.code() == Errc::ok);
  rig.backend().close(gone);
  rig.settle();
  pipe.open_stream(pipe.client);
  Flight again(pipe.client, OpKind::connect);
  again.connect = {&pipe.address};
  rig.submit(again);
  // Either of them may be what is accepted first: one that has left is at its end.
  for (std::string got; got.empty();) {
    Flight accepting(pipe.listener, OpKind::accept);
    accepting.accept = {&pipe.server, nullptr};
    rig.run(accepting);
    REQUIRE(accepting.code() == Errc::ok);
    REQUIRE(rig.backend().attach(pipe.server).code == Errc::ok);
    if (!again.ended()) rig.finish(again);
    REQUIRE(again.code() == Errc::ok);
    REQUIRE(rig.send_all(pipe.client, "here") == 4);
    char memory[4];
    Flight reading(pipe.server, OpKind::recv);
    reading.memory = {memory, sizeof memory};
    rig.run(reading);
    got.assign(memory, reading.bytes);
    if (got.empty()) rig.backend().close(pipe.server);  // the one that has left
  }
  CHECK(pipe.server.is_open());
}

BACKEND_TEST("what was written last to a named pipe is read after the close, then comes the end") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.connect();
  const std::string last(20'000, 'l');
  CHECK(rig.send_all(pipe.server, last) == last.size());
  rig.backend().close(pipe.server);
  CHECK(rig.receive_all(pipe.client) == last);
}

BACKEND_TEST("what was written last by a client of a named pipe is read after it has closed") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.connect();
  const std::string last(20'000, 'l');
  CHECK(rig.send_all(pipe.client, last) == last.size());
  rig.backend().close(pipe.client);
  CHECK(rig.receive_all(pipe.server) == last);
}

BACKEND_TEST("a named pipe has no half close: after a shutdown it still carries both directions") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.connect();
  rig.backend().shutdown(pipe.client, Direction::out);
  char memory[8];
  Flight reading(pipe.server, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(reading) == Submit::pending);
  rig.settle();
  CHECK_FALSE(reading.ended());
  CHECK(rig.send_all(pipe.client, "still") == 5);
  rig.finish(reading);
  CHECK(reading.bytes == 5);
  CHECK(rig.send_all(pipe.server, "here") == 4);
  CHECK(rig.receive(pipe.client, 4) == "here");
}

BACKEND_TEST("a named pipe that its server aborts is an error to the client, not an end") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.connect();
  rig.backend().abort_on_close(pipe.server);
  rig.backend().close(pipe.server);
  char byte = 0;
  Flight reading(pipe.client, OpKind::recv);
  reading.memory = {&byte, 1};
  rig.run(reading);
  CHECK(reading.code() == Errc::connection_reset);
}

BACKEND_TEST("a leased receive on a named pipe holds no buffer while the peer is silent") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.connect();
  BufferPool pool;
  Buffer into;
  Flight receiving(pipe.server, OpKind::recv_leased);
  receiving.lease = {&into, &pool};
  REQUIRE(rig.submit(receiving) == Submit::pending);
  rig.settle();
  CHECK_FALSE(receiving.ended());
  CHECK_FALSE(into);
  REQUIRE(rig.send_all(pipe.client, "first") == 5);
  rig.finish(receiving);
  REQUIRE(receiving.bytes > 0);
  std::string got(into.view());
  while (got.size() < 5) got += rig.receive(pipe.server, 5 - got.size());
  CHECK(got == "first");
  into.reset();
  REQUIRE(rig.submit(receiving) == Submit::pending);
  rig.cancel(receiving);
  rig.finish(receiving);
  CHECK(receiving.code() == Errc::cancelled);
  CHECK_FALSE(into);
  rig.backend().close(pipe.client);
  rig.run(receiving);
  CHECK(receiving.code() == Errc::ok);
  CHECK(receiving.bytes == 0);
  CHECK_FALSE(into);
}

BACKEND_TEST("many bytes go through a named pipe in order while both ends are busy") {
  Pipe pipe(rig);
  if (pipe.refused()) return;
  pipe.connect();
  std::string sent;
  for (int i = 0; sent.size() < 1'000'000; ++i) sent += std::to_string(i) + " ";
  std::string got;
  std::vector<char> memory(10'000);
  std::size_t given = 0;
  Flight sending(pipe.client, OpKind::send);
  Flight receiving(pipe.server, OpKind::recv);
  IoSlice slices[3];
  while (got.size() < sent.size()) {
    if (sending.idle() && given < sent.size()) {
      given += sending.bytes;
      const std::string_view rest = std::string_view(sent).substr(given);
      slices[0] = IoSlice(rest.substr(0, 1));
      slices[1] = IoSlice(rest.substr(0, 5000).substr(std::min<std::size_t>(1, rest.size())));
      slices[2] = IoSlice(rest.substr(std::min<std::size_t>(5000, rest.size())));
      sending.slices = {slices, 3};
      if (!rest.empty()) rig.submit(sending);
    }
    if (receiving.idle()) {
      got.append(memory.data(), receiving.bytes);
      receiving.memory = {memory.data(), memory.size()};
      if (got.size() < sent.size()) rig.submit(receiving);
    }
    if (!receiving.idle()) rig.wait(rig.far_ahead());
    REQUIRE_FALSE(receiving.error);
    REQUIRE_FALSE(sending.error);
  }
  if (!sending.idle()) rig.finish(sending);
  CHECK(got == sent);
}
