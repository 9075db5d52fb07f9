// Stream with a layer, on a simulated socket pair: a toy layer whose records are a length of two bytes and the data with
// its bits turned; a record of length 0 says that nothing follows.
#include "core/net/stream_layer.hpp"

#include <algorithm>
#include <string>

#include "core/net/stream.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/support/catch.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t head = 2;
constexpr std::size_t max_record = 1000;

char turned(char c) { return static_cast<char>(c ^ 0x5a); }

std::string record(std::string_view plain) {
  std::string text{static_cast<char>(plain.size() >> 8), static_cast<char>(plain.size() & 255)};
  for (const char c : plain) text += turned(c);
  return text;
}

class ToyLayer final : public StreamLayer {
 public:
  Result<Opened> open(std::string_view sealed, std::span<char> room) noexcept override {
    Opened opened;
    if (held_.empty() && sealed.size() >= head) {
      const std::size_t size = size_of(sealed);
      if (size > max_record) return std::unexpected(Error(Errc::protocol_error));
      if (sealed.size() < head + size) return opened;
      opened.consumed = head + size;
      opened.ended = size == 0;
      for (const char c : sealed.substr(head, size)) held_ += turned(c);
    }
    opened.produced = std::min(held_.size(), room.size());
    std::copy_n(held_.begin(), opened.produced, room.begin());
    held_.erase(0, opened.produced);
    return opened;
  }
  bool holds_plain() const noexcept override { return !held_.empty(); }
  Result<Sealed> seal(std::span<const IoSlice> plain, std::span<char> room) noexcept override {
    if (fails) return std::unexpected(Error(Errc::limit_exceeded));
    Sealed sealed;
    std::string data;
    const std::size_t most = room.size() > head ? std::min(max_record, room.size() - head) : 0;
    for (const IoSlice& slice : plain) data.append(slice.data, std::min(slice.size, most - data.size()));
    if (data.empty()) return sealed;
    const std::string text = record(data);
    std::copy(text.begin(), text.end(), room.begin());
    return Sealed{data.size(), text.size()};
  }
  bool fails = false;

 private:
  static std::size_t size_of(std::string_view sealed) {
    return static_cast<std::size_t>(static_cast<unsigned char>(sealed[0])) << 8 | static_cast<unsigned char>(sealed[1]);
  }
  std::string held_;
};

// What the sealed text says; all of its records must be whole.
std::string opened_text(std::string_view sealed) {
  ToyLayer layer;
  std::string text;
  std::string room(max_record, '\0');
  while (!sealed.empty()) {
    const auto opened = layer.open(sealed, room);
    REQUIRE(opened.has_value());
    REQUIRE(opened->consumed > 0);
    text += room.substr(0, opened->produced);
    sealed.remove_prefix(opened->consumed);
  }
  return text;
}

std::string sample(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

// A stream with the layer, and a plain one at the other end.
struct Layered {
  explicit Layered(sim::Style style = sim::Style::readiness, std::size_t block = 32 * 1024)
      : world(1), reactor(world.make_backend(profile(style)), options(block)), stream(reactor), peer(reactor) {
    world.drive(reactor);
    auto& backend = static_cast<sim::SimBackend&>(reactor.backend());
    const auto pair = backend.make_socket_pair();
    adopt(stream, pair.first);
    adopt(peer, pair.second);
  }
  ~Layered() {
    scope.spawn(close(stream));
    if (peer.is_open()) scope.spawn(close(peer));
    settle();
    CHECK(scope.live() == 0);
    CHECK(reactor.buffers().in_use() == 0);
    world.release(reactor);
  }
  static sim::SimProfile profile(sim::Style style) {
    sim::SimProfile profile;
    profile.style = style;
    return profile;
  }
  static ReactorOptions options(std::size_t block) {
    ReactorOptions options;
    options.buffer_size = block;
    return options;
  }
  void adopt(Stream& to, NativeHandle native) {
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = native;
    REQUIRE_FALSE(reactor.backend().open(to.handle(), spec));
    REQUIRE_FALSE(reactor.backend().attach(to.handle()));
  }
  static Task<void> close(Stream& which) {
    auto closing = which.close();
    co_await closing;
  }
  static Task<void> write(Stream& to, std::string text, Result<void>* result) {
    IoSlice slices[3] = {IoSlice(text.data(), text.size() / 3), IoSlice(text.data(), 0),
                         IoSlice(text.data() + text.size() / 3, text.size() - text.size() / 3)};
    auto sent = co_await to.send(slices);
    if (result != nullptr) *result = sent;
  }
  void settle() { world.run_for(1ms); }
  void peer_sends(std::string_view text) {
    scope.spawn(write(peer, std::string(text), nullptr));
    settle();
  }
  void peer_hangs_up() {
    peer.close_now();
    settle();
  }
  // All that is there to be read now, appended to `got`; false: the stream has ended, or failed.
  bool receive(std::string& got) {
    for (;;) {
      stream.arm();
      settle();
      if (!stream.has_result()) return true;
      last = stream.take_result();
      if (!last || *last == 0) return false;
      CHECK(stream.input().size() == *last);
      got += stream.input().view();
      stream.input().reset();
    }
  }
  // The same at the other end.
  std::string peer_receives() {
    std::string got;
    for (;;) {
      peer.arm();
      settle();
      if (!peer.has_result()) return got;
      const auto size = peer.take_result();
      if (!size || *size == 0) return got;
      got += peer.input().view();
      peer.input().reset();
    }
  }

  sim::SimWorld world;
  Reactor reactor;
  ToyLayer layer;
  Stream stream, peer;
  Scope scope;
  Result<std::size_t> last{0};
};

}  // namespace

TEST_CASE("records that are split at any byte are opened to the same text", "[layer]") {
  const auto style = GENERATE(sim::Style::readiness, sim::Style::completion);
  const std::string sealed = record("hello") + record("w") + record(sample(60)) + record("");
  for (std::size_t cut = 0; cut <= sealed.size(); ++cut) {
    INFO("cut at " << cut);
    Layered t(style);
    t.stream.set_layer(t.layer);
    std::string got;
    if (cut > 0) t.peer_sends(std::string_view(sealed).substr(0, cut));
    const bool open = t.receive(got);
    CHECK(open == (cut < sealed.size()));
    if (cut < sealed.size()) t.peer_sends(std::string_view(sealed).substr(cut));
    if (open) CHECK_FALSE(t.receive(got));
    CHECK(got == "hellow" + sample(60));
    CHECK(t.last == 0);  // an end in order
  }
}

TEST_CASE("byte by byte, records are opened when they are whole", "[layer]") {
  Layered t;
  t.stream.set_layer(t.layer);
  std::string got;
  for (const char c : record("hello") + record("world")) {
    t.peer_sends({&c, 1});
    REQUIRE(t.receive(got));
    CHECK((got.empty() || got == "hello" || got == "helloworld"));
  }
  CHECK(got == "helloworld");
}

TEST_CASE("an idle stream holds no block, and half a record no plain one", "[layer]") {
  Layered t;
  t.stream.set_layer(t.layer);
  t.stream.arm();
  t.settle();
  CHECK(t.reactor.buffers().in_use() == 0);
  t.peer_sends(record("hello").substr(0, 4));
  CHECK(t.stream.armed());
  CHECK_FALSE(t.stream.input());
  CHECK(t.reactor.buffers().in_use() == 1);
  t.peer_sends(record("hello").substr(4));
  CHECK(t.stream.input().view() == "hello");
  CHECK(t.reactor.buffers().in_use() == 1);
}

TEST_CASE("what was received and did not fit completes the next receive without a system call", "[layer]") {
  Layered t(sim::Style::readiness, 4096);
  t.stream.set_layer(t.layer);
  const std::string text = sample(3000);
  t.stream.input() = t.reactor.buffers().take();
  t.stream.input().commit(3000);  // not consumed yet
  t.peer_sends(record(text.substr(0, 1000)) + record(text.substr(1000, 1000)) + record(text.substr(2000)));
  t.stream.arm();
  t.settle();
  REQUIRE(t.stream.has_result());
  std::string got;
  const auto first = t.stream.take_result();
  REQUIRE(first == 1096);
  got += t.stream.input().view().substr(3000);
  t.stream.input().reset();
  t.stream.arm();
  REQUIRE(t.stream.has_result());
  CHECK(t.reactor.in_flight() == 0);
  CHECK(t.stream.take_result() == 3000 - 1096);
  got += t.stream.input().view();
  CHECK(got == text);
}

TEST_CASE("bytes that came with a handshake are opened first", "[layer]") {
  Layered t;
  Buffer received = t.reactor.buffers().take();
  const std::string sealed = record("first");
  std::copy(sealed.begin(), sealed.end(), received.room().begin());
  received.commit(sealed.size());
  t.stream.set_layer(t.layer, std::move(received));
  t.peer_sends(record("second"));
  std::string got;
  CHECK(t.receive(got));
  CHECK(got == "firstsecond");
}

TEST_CASE("how a stream with a layer ends", "[layer]") {
  Layered t;
  t.stream.set_layer(t.layer);
  std::string got;
  SECTION("announced: in order, and what follows is not looked at") {
    t.peer_sends(record("bye") + record("") + "garbage");
    CHECK_FALSE(t.receive(got));
    CHECK(t.last == 0);
    CHECK_FALSE(t.receive(got));  // for good
    CHECK(t.last == 0);
    CHECK(got == "bye");
  }
  SECTION("unannounced: an error, since anybody could have done that") {
    t.peer_sends(record("bye"));
    t.peer_hangs_up();
    CHECK_FALSE(t.receive(got));
    REQUIRE_FALSE(t.last.has_value());
    CHECK(t.last.error().code == Errc::end_of_stream);
    CHECK(got == "bye");
  }
  SECTION("in the middle of a record") {
    t.peer_sends(record("bye").substr(0, 4));
    t.peer_hangs_up();
    CHECK_FALSE(t.receive(got));
    REQUIRE_FALSE(t.last.has_value());
    CHECK(t.last.error().code == Errc::end_of_stream);
  }
  SECTION("a record that the layer refuses, behind a good one") {
    t.peer_sends(record("good") + "\xff\xff");
    CHECK_FALSE(t.receive(got));
    REQUIRE_FALSE(t.last.has_value());
    CHECK(t.last.error().code == Errc::protocol_error);
    CHECK(got == "good");
  }
}

TEST_CASE("a receive with a layer can be cancelled, whatever has come", "[layer]") {
  const auto style = GENERATE(sim::Style::readiness, sim::Style::completion);
  Layered t(style);
  t.stream.set_layer(t.layer);
  t.stream.arm();
  SECTION("nothing") {}
  SECTION("half a record") { t.peer_sends(record("hello").substr(0, 3)); }
  SECTION("half a record, at the same moment") { t.scope.spawn(Layered::write(t.peer, record("hello").substr(0, 3), nullptr)); }
  t.stream.cancel(Direction::in);
  t.settle();
  REQUIRE(t.stream.has_result());
  const auto got = t.stream.take_result();
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().code == Errc::cancelled);
}

TEST_CASE("a large send is sealed a block at a time", "[layer]") {
  const auto style = GENERATE(sim::Style::readiness, sim::Style::completion);
  Layered t(style);
  t.stream.set_layer(t.layer);
  const std::string text = sample(1'000'000);
  Result<void> result = std::unexpected(Error(Errc::unknown));
  t.scope.spawn(Layered::write(t.stream, text, &result));
  std::string sealed;
  while (!result) {
    CHECK(t.reactor.buffers().in_use() <= 1);
    const std::string some = t.peer_receives();
    REQUIRE_FALSE(some.empty());
    sealed += some;
  }
  sealed += t.peer_receives();
  CHECK(opened_text(sealed) == text);
  CHECK(t.reactor.buffers().in_use() == 0);
}

TEST_CASE("a cancelled send leaves records that can be read, and what is sent then follows them", "[layer]") {
  Layered t;
  t.stream.set_layer(t.layer);
  const std::string text = sample(1'000'000);
  Result<void> result;
  t.scope.spawn(Layered::write(t.stream, text, &result));
  t.settle();
  t.stream.cancel(Direction::out);
  t.settle();
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == Errc::cancelled);
  t.scope.spawn(Layered::write(t.stream, "the end", &result));
  const std::string got = opened_text(t.peer_receives());
  CHECK(result.has_value());
  REQUIRE(got.ends_with("the end"));
  CHECK(text.starts_with(got.substr(0, got.size() - 7)));
}

TEST_CASE("a layer that cannot seal fails the send, and nothing is left", "[layer]") {
  Layered t;
  t.stream.set_layer(t.layer);
  t.layer.fails = true;
  Result<void> result;
  t.scope.spawn(Layered::write(t.stream, "hello", &result));
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == Errc::limit_exceeded);
  CHECK(t.reactor.buffers().in_use() == 0);
}

}  // namespace weir
