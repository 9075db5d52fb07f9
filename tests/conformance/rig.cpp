#include "tests/conformance/rig.hpp"

#include "tests/conformance/libkqueue_gaps.hpp"

namespace weir::conformance {
namespace {

constexpr Duration patience = std::chrono::seconds{30};  // until a test is given up, not a measure of anything

}  // namespace

Rig::~Rig() = default;

Submit Rig::submit(Flight& op) {
  REQUIRE(op.idle());
  op.state = OpState::in_flight;
  op.bytes = 0;
  op.error = {};
  op.completions = 0;
  const Submit outcome = backend().submit(op);
  if (outcome == Submit::done) {
    op.state = OpState::idle;
    ++op.completions;
  }
  REQUIRE_FALSE(op.called);
  return outcome;
}

void Rig::cancel(Flight& op) {
  REQUIRE(op.state == OpState::in_flight);
  op.state = OpState::cancelling;
  backend().cancel(op);
  REQUIRE_FALSE(op.called);
}

std::size_t Rig::wait(TimePoint deadline) {
  Queue<Op> ready;
  backend().wait(deadline, ready);
  std::size_t count = 0;
  while (Op* op = ready.pop()) {
    auto& flight = static_cast<Flight&>(*op);
    REQUIRE(flight.state == OpState::ready);
    REQUIRE_FALSE(flight.called);
    flight.state = OpState::idle;
    ++flight.completions;
    ++count;
  }
  return count;
}

void Rig::finish(Flight& op) {
  const TimePoint limit = backend().now() + patience;
  while (!op.ended() && backend().now() < limit) wait(limit);
  REQUIRE(op.completions == 1);
}

// A system delivers between its own sockets before the sending call returns: looking again is enough. The simulator's
// network takes (virtual) time.
std::size_t Rig::settle() {
  const TimePoint until = simulated() ? backend().now() + std::chrono::milliseconds{500} : TimePoint{};
  std::size_t count = 0;
  for (int idle = 0; idle < 3;) {
    const std::size_t more = wait(until);
    count += more;
    if (more == 0 && backend().now() >= until) ++idle;
  }
  return count;
}

void Rig::adopt(Handle& handle, NativeHandle native) {
  OpenSpec spec;
  spec.what = OpenSpec::What::adopt;
  spec.native = native;
  const Error opened = backend().open(handle, spec);
  REQUIRE(opened.code == Errc::ok);
  const Error attached = backend().attach(handle);
  REQUIRE(attached.code == Errc::ok);
}

void Rig::listen(Handle& listener, std::uint16_t backlog) {
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = any_port();
  spec.backlog = backlog;
  const Error opened = backend().open(listener, spec);
  REQUIRE(opened.code == Errc::ok);
  const Error attached = backend().attach(listener);
  REQUIRE(attached.code == Errc::ok);
}

void Rig::open_stream(Handle& stream) {
  OpenSpec spec;
  spec.address.family = Family::ipv4;
  const Error opened = backend().open(stream, spec);
  REQUIRE(opened.code == Errc::ok);
  const Error attached = backend().attach(stream);
  REQUIRE(attached.code == Errc::ok);
}

void Rig::connect(Handle& listener, Handle& client, Handle& server) {
  open_stream(client);
  const Address to = address_of(listener);
  Flight connecting(client, OpKind::connect);
  connecting.connect = {&to};
  Flight accepting(listener, OpKind::accept);
  accepting.accept = {&server, nullptr};
  const Submit begun = submit(connecting);
  run(accepting);
  if (begun == Submit::pending) finish(connecting);
  REQUIRE(connecting.code() == Errc::ok);
  REQUIRE(accepting.code() == Errc::ok);
  const Error attached = backend().attach(server);
  REQUIRE(attached.code == Errc::ok);
}

void Rig::connect(Handle& client, Handle& server) {
  Handle listener;
  listen(listener);
  connect(listener, client, server);
  backend().close(listener);
}

std::size_t Rig::send_all(Handle& to, std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const IoSlice slice(bytes.substr(sent));
    Flight op(to, OpKind::send);
    op.slices = {&slice, 1};
    run(op);
    if (op.error) break;
    sent += op.bytes;
  }
  return sent;
}

std::string Rig::receive(Handle& from, std::size_t size) {
  std::string got(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    Flight op(from, OpKind::recv);
    op.memory = {got.data() + filled, size - filled};
    run(op);
    REQUIRE(op.code() == Errc::ok);
    if (op.bytes == 0) break;
    filled += op.bytes;
  }
  got.resize(filled);
  return got;
}

std::string Rig::receive_all(Handle& from) {
  std::string all;
  for (;;) {
    const std::string more = receive(from, 4096);
    all += more;
    if (more.size() < 4096) return all;
  }
}

Errc Rig::fill(Handle& to) {
  const std::string block(4096, 'f');
  const OpKind kind = to.kind == HandleKind::stream_socket ? OpKind::send : OpKind::write;
  for (;;) {
    const IoSlice slice{std::string_view(block)};
    Flight op(to, kind);
    op.slices = {&slice, 1};
    if (submit(op) == Submit::done || settle() > 0) {
      if (op.error) return op.code();
      continue;
    }
    cancel(op);
    finish(op);
    if (op.code() == Errc::cancelled) return Errc::ok;
  }
}

bool Rig::refused_here(Feature feature, const std::function<Error()>& try_it) {
  const Ruling rule = backend().capabilities()[feature];
  if (rule.allowed) return false;
  const Error error = try_it();
  CHECK(error.code == Errc::not_supported);
  CHECK(error.rule == rule.rule);
  REQUIRE(restriction(rule.rule) != nullptr);
  SUCCEED("refused by " << restriction(rule.rule)->id);
  return true;
}

Closing::~Closing() {
  Backend& backend = rig_.backend();
  for (Handle* handle : handles_) {
    if (!handle->is_open()) continue;
    for (Op* op : {handle->in, handle->out}) {
      if (op != nullptr && op->state == OpState::in_flight) {
        op->state = OpState::cancelling;
        backend.cancel(*op);
      }
    }
    while (!handle->quiet()) rig_.poll();
  }
  rig_.poll();
  for (Handle* handle : handles_) {
    if (handle->is_open()) backend.close(*handle);
  }
}

namespace {

constinit const Case* last_case = nullptr;

}  // namespace

Case::Case(const char* sentence, std::span<const char* const> backends, std::span<const Run> runs) noexcept
    : sentence_(sentence), backends_(backends), runs_(runs), next_(last_case) {
  last_case = this;
}

void register_tests() {
  for (const Case* it = last_case; it != nullptr; it = it->next_) {
    for (std::size_t i = 0; i < it->runs_.size(); ++i) {
      const std::string backend = it->backends_[i];
      const std::string name = it->sentence_ + (" - " + backend);
      const std::string tag = "[" + backend + "]";
      REGISTER_TEST_CASE(it->runs_[i], name, tag);
    }
  }
}

void run_on(const char* name, void (*test)(Rig&)) {
#if defined(WEIR_KQUEUE) && defined(__linux__)
  if (std::string_view(name).starts_with("kqueue")) {
    const std::string running = Catch::getResultCapture().getCurrentTestName();
    for (const LibkqueueGap& gap : libkqueue_gaps) {
      if (running != std::string(gap.test) + " - " + name) continue;
      SUCCEED("a gap of libkqueue: " << gap.why);
      return;
    }
  }
#endif
  const std::unique_ptr<Rig> rig = make_rig(name);
  test(*rig);
}

}  // namespace weir::conformance
