// Relay: bytes both ways between scripted ends, where each step can be held and cut, and between streams on real sockets.
#include "core/net/relay.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/backends/registry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/coroutines.hpp"
#include "tests/support/sockets.hpp"

namespace weir {
namespace {

// An end whose reads and writes wait until the test lets them go, and which writes down what it is asked.
class ScriptedEnd final : public RelayEnd {
 public:
  // Each takes effect at once if the relay waits for it, else with the next call. Empty bytes: the end.
  void give(Result<std::string_view> bytes) {
    reads_.push_back(bytes);
    if (reader_) std::exchange(reader_, nullptr).resume();
  }
  void let_write(Result<void> result = {}) {
    written_ = result;
    if (writer_) std::exchange(writer_, nullptr).resume();
  }

  bool reading() const { return reader_ != nullptr; }
  bool writing() const { return writer_ != nullptr; }

  std::string taken;      // what was written to this end
  std::size_t consumed = 0;
  int ends = 0;           // end_write() calls
  int cancels = 0;
  bool can_half_close = true;
  bool writes_at_once = true;

  void consume(std::size_t bytes) noexcept override { consumed += bytes; }
  void end_write() noexcept override { ++ends; }
  bool half_closes() const noexcept override { return can_half_close; }
  void cancel() noexcept override {
    ++cancels;
    if (reader_) give(std::unexpected(Error(Errc::cancelled)));
    if (writer_) let_write(std::unexpected(Error(Errc::cancelled)));
  }

 private:
  bool can_read() noexcept override { return !reads_.empty(); }
  void wait_read(std::coroutine_handle<> waiter) noexcept override { reader_ = waiter; }
  Result<std::string_view> take_read() noexcept override {
    const Result<std::string_view> read = reads_.front();
    reads_.erase(reads_.begin());
    return read;
  }
  bool start_write(std::string_view bytes, std::coroutine_handle<> waiter) noexcept override {
    pending_ = bytes;
    if (writes_at_once || written_) return true;
    writer_ = waiter;
    return false;
  }
  Result<void> take_write() noexcept override {
    const Result<void> result = written_.value_or(Result<void>{});
    written_.reset();
    if (result) taken += pending_;
    return result;
  }

  std::vector<Result<std::string_view>> reads_;
  std::string_view pending_;
  std::optional<Result<void>> written_;
  std::coroutine_handle<> reader_, writer_;
};

struct Between {
  Between() : relay(a, b, [](void* context) noexcept { ++*static_cast<int*>(context); }, &notices) {}
  ~Between() { CHECK(ended()); }
  void start() { scope.spawn(relay.run()); }
  bool ended() {
    bench.drain();
    return scope.live() == 0;
  }

  test::Bench bench;
  Scope scope;
  ScriptedEnd a, b;
  int notices = 0;
  Relay relay;
};

}  // namespace

TEST_CASE("bytes go both ways, and each way ends by itself", "[relay]") {
  Between t;
  t.start();
  CHECK(t.a.reading());
  CHECK(t.b.reading());
  t.a.give("question");
  CHECK(t.b.taken == "question");
  CHECK(t.a.consumed == 8);
  t.b.give("ans");
  t.b.give("wer");
  CHECK(t.a.taken == "answer");
  t.a.give("");
  CHECK(t.b.ends == 1);
  CHECK(t.a.ends == 0);
  CHECK_FALSE(t.ended());
  t.b.give("more");
  CHECK(t.a.taken == "answermore");
  t.b.give("");
  CHECK(t.a.ends == 1);
  CHECK(t.ended());
  CHECK(t.relay.from_a() == 8);
  CHECK(t.relay.from_b() == 10);
  CHECK(t.a.cancels + t.b.cancels == 0);
  CHECK(t.notices == 0);
}

TEST_CASE("one part is under way in each direction, and nothing is read before it is sent", "[relay]") {
  Between t;
  t.b.writes_at_once = false;
  t.start();
  t.a.give("one");
  CHECK(t.b.writing());
  CHECK_FALSE(t.a.reading());
  CHECK(t.a.consumed == 0);
  CHECK(t.relay.from_a() == 0);
  t.b.let_write();
  CHECK(t.b.taken == "one");
  CHECK(t.a.consumed == 3);
  CHECK(t.relay.from_a() == 3);
  CHECK(t.a.reading());
  t.a.give("");
  t.b.give("");
  CHECK(t.ended());
}

TEST_CASE("an error on either side ends both directions", "[relay]") {
  Between t;
  const auto where = GENERATE(range(0, 4));
  t.a.writes_at_once = t.b.writes_at_once = false;
  t.start();
  const Error reset(Errc::connection_reset);
  switch (where) {
    case 0: t.a.give(std::unexpected(reset)); break;
    case 1: t.b.give(std::unexpected(reset)); break;
    case 2:
      t.a.give("some");
      t.b.let_write(std::unexpected(reset));
      break;
    default:
      t.b.give("some");
      t.a.let_write(std::unexpected(reset));
  }
  CHECK(t.ended());
  CHECK(t.a.cancels > 0);
  CHECK(t.b.cancels > 0);
  CHECK(t.a.ends + t.b.ends == 0);
  CHECK(t.relay.from_a() + t.relay.from_b() == 0);
}

TEST_CASE("cut at any point, it ends", "[relay]") {
  Between t;
  t.a.writes_at_once = t.b.writes_at_once = false;
  SECTION("before it runs") {
    t.relay.cancel();
    t.start();
  }
  SECTION("both directions reading") {
    t.start();
    t.relay.cancel();
  }
  SECTION("one writing, one reading") {
    t.start();
    t.a.give("some");
    REQUIRE(t.b.writing());
    t.relay.cancel();
    CHECK(t.b.taken.empty());
  }
  SECTION("both writing") {
    t.start();
    t.a.give("some");
    t.b.give("some");
    t.relay.cancel();
    CHECK(t.a.consumed + t.b.consumed == 0);
  }
  SECTION("one ended, one reading") {
    t.start();
    t.a.give("");
    t.relay.cancel();
  }
  SECTION("one ended, one writing") {
    t.start();
    t.b.give("");
    t.a.give("some");
    t.relay.cancel();
  }
  CHECK(t.ended());
  t.relay.cancel();  // harmless afterwards
}

TEST_CASE("an end that cannot say that nothing follows is reported once, and the other direction goes on", "[relay]") {
  Between t;
  const bool first = GENERATE(true, false);
  (first ? t.a : t.b).can_half_close = false;
  t.start();
  t.a.give("");
  CHECK(t.notices == 1);
  CHECK(t.b.ends == 1);
  CHECK_FALSE(t.ended());
  t.b.give("rest");
  CHECK(t.a.taken == "rest");
  t.relay.cancel();
  CHECK(t.ended());
}

namespace {

// A stream of the relay and the plain socket at its other end.
struct Side {
  explicit Side(Reactor& reactor) : stream(reactor) {
    const auto ends = test::socket_pair();
    other = ends.second;
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = ends.first;
    REQUIRE_FALSE(reactor.backend().open(stream.handle(), spec));
    REQUIRE_FALSE(reactor.backend().attach(stream.handle()));
  }
  ~Side() {
    hang_up();
    stream.close_now();
  }
  void hang_up() {
    if (other != no_native_handle) test::close_socket(std::exchange(other, no_native_handle));
  }

  Stream stream;
  NativeHandle other;
};

struct Sockets {
  Sockets() : reactor(std::move(*make_backend("auto"))), a(reactor), b(reactor) {}
  void turn() { reactor.turn(reactor.clock() + std::chrono::milliseconds{5}); }
  Buffer holding(std::string_view text) {
    Buffer buffer = reactor.buffers().take();
    std::copy(text.begin(), text.end(), buffer.room().begin());
    buffer.commit(text.size());
    return buffer;
  }
  // Turns until so many bytes have come out at that side.
  std::string receive(Side& side, std::size_t size) {
    std::string got;
    while (got.size() < size) {
      turn();
      got += test::receive_now(side.other);
    }
    return got;
  }

  Reactor reactor;
  Scope scope;
  Side a, b;
};

}  // namespace

TEST_CASE("between sockets, what came before the relay is sent first, then what lies in the input", "[relay]") {
  Sockets t;
  Buffer early = t.holding("early ");
  t.a.stream.input() = t.holding("input ");
  StreamEnd a(t.a.stream, &early);
  StreamEnd b(t.b.stream);
  Relay relay(a, b);
  REQUIRE(test::send_all(t.a.other, "late"));
  t.scope.spawn(relay.run());
  CHECK(t.receive(t.b, 16) == "early input late");
  t.a.hang_up();
  t.b.hang_up();
  while (t.scope.live() > 0) t.turn();
  CHECK(relay.from_a() == 16);
  CHECK(relay.from_b() == 0);
}

TEST_CASE("between sockets, an end in one direction leaves the other open", "[relay]") {
  Sockets t;
  StreamEnd a(t.a.stream);
  StreamEnd b(t.b.stream);
  Relay relay(a, b);
  t.scope.spawn(relay.run());
  REQUIRE(test::send_all(t.b.other, "one"));
  t.b.hang_up();
  CHECK(t.receive(t.a, 3) == "one");
  while (t.scope.live() > 1) t.turn();
  t.a.hang_up();
  while (t.scope.live() > 0) t.turn();
  CHECK(relay.from_b() == 3);
}

TEST_CASE("an idle relay holds no buffer, and cut it gives everything back", "[relay]") {
  Sockets t;
  StreamEnd a(t.a.stream);
  StreamEnd b(t.b.stream);
  Relay relay(a, b);
  t.scope.spawn(relay.run());
  REQUIRE(test::send_all(t.a.other, "ping"));
  CHECK(t.receive(t.b, 4) == "ping");
  t.turn();
  CHECK(t.reactor.buffers().in_use() == 0);
  CHECK_FALSE(t.scope.live() == 0);
  relay.cancel();
  while (t.scope.live() > 0) t.turn();
  CHECK(t.reactor.buffers().in_use() == 0);
}

TEST_CASE("a slow reader slows the sender down, and nothing is lost", "[relay]") {
  Sockets t;
  StreamEnd a(t.a.stream);
  StreamEnd b(t.b.stream);
  Relay relay(a, b);
  t.scope.spawn(relay.run());
  // Written in pieces while there is room; what cannot be passed on stays with the sender.
  std::string sent, got;
  for (int piece = 0; piece < 64; ++piece) {
    const std::string text(8 * 1024, static_cast<char>('a' + piece % 23));
    REQUIRE(test::send_all(t.a.other, text));
    sent += text;
    t.turn();
    CHECK(t.reactor.buffers().in_use() <= 1);  // of this direction; the other one is idle
    if (piece % 3 == 0) got += test::receive_now(t.b.other);
    // The kernel's buffers alone could not hold more than this unread.
    while (sent.size() - got.size() > 64 * 1024) {
      t.turn();
      got += test::receive_now(t.b.other);
    }
  }
  got += t.receive(t.b, sent.size() - got.size());
  CHECK(got == sent);
  relay.cancel();
  while (t.scope.live() > 0) t.turn();
}

}  // namespace weir
