// Stream on a real socket pair: what is armed, what is kept, what is sent and how it ends.
#include "core/net/stream.hpp"

#include <string>

#include "core/backends/registry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/sockets.hpp"

namespace weir {
namespace {

// A stream on one end of a socket pair; the test holds the other end as a plain descriptor.
struct Pair {
  Pair() : reactor(std::move(*make_backend("auto"))), stream(reactor) {
    const auto ends = test::socket_pair();
    other = ends.second;
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = ends.first;
    REQUIRE_FALSE(reactor.backend().open(stream.handle(), spec));
    REQUIRE_FALSE(reactor.backend().attach(stream.handle()));
  }
  ~Pair() {
    if (other != no_native_handle) hang_up();
    if (stream.is_open()) stream.close_now();
  }
  void write(std::string_view text) const { REQUIRE(test::send_all(other, text)); }
  // One turn that does not sleep for long: what it completes may be all the test waits for.
  void turn() { reactor.turn(reactor.clock() + std::chrono::milliseconds{5}); }
  void hang_up() {
    test::close_socket(other);
    other = no_native_handle;
  }

  Reactor reactor;
  Stream stream;
  NativeHandle other = no_native_handle;
};

Task<void> close_stream(Stream& stream) {
  auto closing = stream.close();
  co_await closing;
}

Task<void> receive_once(Stream& stream, Result<std::size_t>& result) {
  auto got = co_await stream.receive();
  result = got;
}

Task<void> receive_twice(Pair& pair, Result<std::size_t>& first, Result<std::size_t>& second) {
  auto one = co_await pair.stream.receive();
  first = one;
  pair.hang_up();
  auto two = co_await pair.stream.receive();
  second = two;
}

Task<void> send_text(Stream& stream, const std::string& text, Result<void>& result) {
  IoSlice slices[3] = {IoSlice(text.data(), 1), IoSlice(text.data(), 0), IoSlice(text.data() + 1, text.size() - 1)};
  auto sent = co_await stream.send(slices);
  result = sent;
}

Task<void> cancel_soon(Pair& pair) {
  pair.stream.cancel(Direction::both);
  co_return;
}

Task<void> receive_while_cancelled(Pair& pair, Result<std::size_t>& result) {
  Scope scope;
  scope.spawn(receive_once(pair.stream, result));
  scope.spawn(cancel_soon(pair));
  co_await scope.join();
}

TEST_CASE("a receive appends to the input, and the end of the stream is zero bytes", "[stream]") {
  Pair pair;
  pair.write("hello");
  Result<std::size_t> first{0};
  Result<std::size_t> second{1};
  pair.reactor.run(receive_twice(pair, first, second));
  CHECK(first == 5);
  CHECK(second == 0);
  CHECK(pair.stream.input().view() == "hello");
}

TEST_CASE("an armed receive holds no buffer until bytes are there", "[stream]") {
  Pair pair;
  pair.stream.arm();
  CHECK(pair.stream.armed());
  CHECK(pair.reactor.buffers().in_use() == 0);
  pair.write("x");
  while (!pair.stream.has_result()) pair.turn();
  CHECK(pair.reactor.buffers().in_use() == 1);
  CHECK(pair.stream.input().view() == "x");
  pair.stream.acknowledge_received();
  CHECK_FALSE(pair.stream.has_result());
}

TEST_CASE("acknowledging keeps the end of the stream", "[stream]") {
  Pair pair;
  pair.hang_up();
  pair.stream.arm();
  while (!pair.stream.has_result()) pair.turn();
  pair.stream.acknowledge_received();
  CHECK(pair.stream.ended());
}

TEST_CASE("acknowledging forgets a result whose bytes were used before its completion was delivered", "[stream]") {
  Pair pair;
  pair.write("x");
  while (pair.reactor.spend_inline()) {
  }  // the turn has had its share: what is done at once is delivered later
  pair.stream.arm();
  REQUIRE(pair.stream.armed());
  REQUIRE(pair.stream.input().view() == "x");
  pair.stream.input().consume(1);
  pair.stream.input().reset();
  while (!pair.stream.has_result()) pair.turn();
  CHECK_FALSE(pair.stream.ended());
  pair.stream.acknowledge_received();
  CHECK_FALSE(pair.stream.has_result());
  CHECK_FALSE(pair.stream.input());
}

TEST_CASE("the notice is called once when nobody waits", "[stream]") {
  Pair pair;
  int calls = 0;
  pair.stream.set_owner(&calls);
  pair.stream.set_notice([](Stream& stream) noexcept { ++*static_cast<int*>(stream.owner()); });
  pair.stream.arm();
  pair.write("x");
  while (!pair.stream.has_result()) pair.turn();
  CHECK(calls == 1);
}

TEST_CASE("a large send goes out whole, whatever the pieces", "[stream]") {
  Pair pair;
  std::string text(1 << 20, 'a');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  std::string got;
  Result<void> result;
  Scope scope;
  scope.spawn(send_text(pair.stream, text, result));
  while (got.size() < text.size()) {
    const std::string some = test::receive_now(pair.other);
    got += some;
    if (some.empty()) pair.turn();
  }
  while (scope.live() > 0) pair.turn();
  CHECK(result.has_value());
  CHECK(got == text);
}

TEST_CASE("a send to a peer that is gone is an error, not a signal", "[stream]") {
  Pair pair;
  pair.hang_up();
  Result<void> result;
  // The first one goes out where the pair is one of TCP: the peer's system answers it with a reset.
  while (result.has_value()) pair.reactor.run(send_text(pair.stream, std::string(100, 'x'), result));
  CHECK((result.error().code == Errc::broken_pipe || result.error().code == Errc::connection_reset));
}

TEST_CASE("cancel ends a receive that waits", "[stream]") {
  Pair pair;
  Result<std::size_t> result{7};
  pair.reactor.run(receive_while_cancelled(pair, result));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == Errc::cancelled);
}

TEST_CASE("close ends an armed receive and gives its buffer back", "[stream]") {
  Pair pair;
  pair.write("left over");
  pair.stream.arm();
  CHECK(pair.stream.has_result());
  pair.stream.acknowledge_received();
  pair.stream.arm();
  CHECK(pair.stream.armed());
  pair.reactor.run(close_stream(pair.stream));
  CHECK_FALSE(pair.stream.is_open());
  CHECK(pair.reactor.buffers().in_use() == 0);
}

}  // namespace
}  // namespace weir
