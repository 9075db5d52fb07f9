// The shortest whole path: a coroutine that echoes, and one that talks to it, over real sockets.

#include <string>

#include "core/backends/registry.hpp"
#include "core/platform/sockets.hpp"
#include "core/reactor/awaitables.hpp"
#include "tests/support/catch.hpp"

using namespace weir;

namespace {

Task<void> echo_one(Reactor& reactor, Handle& listener) {
  Handle connection;
  const auto accepted = co_await Accept(reactor, listener, connection, nullptr);
  CHECK(accepted.has_value());
  CHECK_FALSE(reactor.backend().attach(connection));
  for (;;) {
    Buffer buffer;
    const auto got = co_await RecvLeased(reactor, connection, buffer);
    if (!got || *got == 0) break;
    const IoSlice slice(buffer.view());
    const auto sent = co_await Send(reactor, connection, &slice, 1);
    CHECK(sent == got);
  }
  reactor.backend().close(connection);
}

Task<void> talk(Reactor& reactor, Address to, std::string& heard) {
  Handle connection;
  OpenSpec spec;
  spec.address = to;
  CHECK_FALSE(reactor.backend().open(connection, spec));
  CHECK_FALSE(reactor.backend().attach(connection));
  const auto connected = co_await Connect(reactor, connection, to);
  CHECK(connected.has_value());
  for (int round = 0; round < 100; ++round) {
    const std::string text = "round " + std::to_string(round) + ";";
    const IoSlice slice{std::string_view(text)};
    const auto sent = co_await Send(reactor, connection, &slice, 1);
    CHECK(sent == text.size());
    char answer[64];
    const auto got = co_await Recv(reactor, connection, answer, sizeof answer);
    CHECK(got.has_value());
    heard.append(answer, got.value_or(0));
  }
  reactor.backend().close(connection);
}

Task<void> echo_and_talk(Reactor& reactor, Handle& listener, Address to, std::string& heard) {
  Scope scope;
  scope.spawn(echo_one(reactor, listener));
  scope.spawn(talk(reactor, to, heard));
  auto joined = scope.join();
  co_await joined;
}

}  // namespace

TEST_CASE("an echo server and its client talk over every backend") {
  for (const BackendInfo& info : compiled_backends()) {
    CAPTURE(info.name);
    auto backend = info.make();
    REQUIRE(backend.has_value());
    Reactor reactor(std::move(*backend));
    Handle listener;
    OpenSpec spec;
    spec.what = OpenSpec::What::listener;
    spec.address = *parse_address("127.0.0.1:0");
    REQUIRE_FALSE(reactor.backend().open(listener, spec));
    REQUIRE_FALSE(reactor.backend().attach(listener));
    const Address to = platform::local_address(listener).value();
    std::string heard;
    reactor.run(echo_and_talk(reactor, listener, to, heard));
    std::string expected;
    for (int round = 0; round < 100; ++round) expected += "round " + std::to_string(round) + ";";
    CHECK(heard == expected);
    CHECK(reactor.in_flight() == 0);
    CHECK(reactor.buffers().in_use() == 0);
    reactor.backend().close(listener);
  }
}
