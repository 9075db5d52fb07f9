#pragma once
// Scripted peers of the whole engine: an origin that numbers its connections and answers by a function, clients that ask
// when they are told to, and the world that holds them. One thread.

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/reactor/awaitables.hpp"
#include "tests/sim/engine_world.hpp"
#include "tests/support/catch.hpp"

namespace weir::sim {

using namespace std::chrono_literals;

// An origin that numbers its connections and answers each request by a script. Requests have no bodies.
class NumberingOrigin {
 public:
  // The lines of the head behind Content-Length; `number`: of the connection, from 1.
  using Script = std::function<std::string(const TextHead& request, int number)>;

  NumberingOrigin(Reactor& reactor, const Address& address, Script script) : reactor_(reactor), script_(std::move(script)) {
    OpenSpec spec;
    spec.what = OpenSpec::What::listener;
    spec.address = address;
    REQUIRE_FALSE(reactor_.backend().open(listener_, spec));
    REQUIRE_FALSE(reactor_.backend().attach(listener_));
    scope_.spawn(accept_all());
  }
  void stop() noexcept {
    stopping_ = true;
    if (accepting_) reactor_.cancel(*accepting_);
    drop_connections();
  }
  void drop_connections() noexcept {
    for (Wire* wire : wires_) wire->give_up();
  }
  bool ended() const noexcept { return scope_.live() == 0; }
  std::size_t open() const noexcept { return wires_.size(); }

 private:
  Task<void> accept_all() {
    while (!stopping_) {
      Handle& handle = handles_.emplace_back();
      Accept accept(reactor_, listener_, handle, nullptr);
      accepting_ = &accept.op();
      const auto accepted = co_await accept;
      accepting_ = nullptr;
      if (!accepted) break;
      scope_.spawn(serve(handle, ++count_));
    }
    reactor_.backend().close(listener_);
  }
  Task<void> serve(Handle& handle, int number) {
    const Error error = reactor_.backend().attach(handle);
    WEIR_VERIFY(!error);
    Wire wire(reactor_, 1, handle);
    wires_.push_back(&wire);
    for (bool more = true; more;) {
      TextHead head;
      const Got got = co_await wire.read_head(head);
      if (got != Got::whole) break;
      const std::string answer = script_(head, number);
      more = co_await wire.write(answer);
    }
    std::erase(wires_, &wire);
    wire.close(false);
  }

  Reactor& reactor_;
  Script script_;
  Handle listener_;
  std::deque<Handle> handles_;
  Op* accepting_ = nullptr;
  bool stopping_ = false;
  int count_ = 0;
  std::vector<Wire*> wires_;
  Scope scope_;
};

inline std::string answer(std::string_view status, int number, std::string_view fields = {}) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: 0\r\nX-Number: {}\r\n{}\r\n", status, number, fields);
}

// One connection of a client, which asks when it is told to.
class Asking {
 public:
  Asking(EngineWorld& sim, std::uint64_t seed) : sim_(sim), wire_(sim.client_reactor(), seed) {}
  ~Asking() {
    if (open_) leave();
  }

  // The number of the upstream connection that served it; 0: no answer came. The status is last_status.
  int ask(std::string_view method = "GET", std::string_view fields = {}) {
    begin(method, fields);
    REQUIRE(sim_.world.run_until([&] { return done(); }, 1min));
    sim_.world.run_for(1ms);  // the client may know of its answer's end before the proxy does
    return number_;
  }
  void connect() {
    scope_.spawn(open());
    REQUIRE(sim_.world.run_until([&] { return done(); }, 1min));
  }
  // Asks without waiting for the answer.
  void begin(std::string_view method = "GET", std::string_view fields = {}) {
    text_ = fmt::format("{} / HTTP/1.1\r\nHost: a\r\n{}\r\n", method, fields);
    number_ = 0;
    last_status.clear();
    scope_.spawn(exchange());
  }
  bool done() const noexcept { return scope_.live() == 0; }
  // Has the proxy closed it? Looked at by a read, so once, and only if it has.
  bool closed_by_proxy() {
    scope_.spawn(read_on());
    const bool ended = sim_.world.run_until([&] { return done(); }, 1s);
    if (!ended) wire_.give_up();
    REQUIRE(sim_.world.run_until([&] { return done(); }, 1s));
    return ended;
  }
  std::string last_status;  // empty: no answer so far

  void leave() {
    open_ = false;
    wire_.close(false);
    sim_.world.run_for(1s);
  }

 private:
  Task<void> read_on() {
    const bool more = co_await wire_.fill();
    static_cast<void>(more);
  }
  Task<void> open() {
    const Address to = sim_.client_options().server;
    const Error opened = wire_.open(to);
    WEIR_VERIFY(!opened);
    open_ = true;
    const Error error = co_await wire_.connect(to);
    WEIR_VERIFY(!error);
  }
  Task<void> exchange() {
    if (!open_) {
      auto opening = open();
      co_await opening;
    }
    const bool sent = co_await wire_.write(text_);
    if (!sent) co_return;
    TextHead head;
    const Got got = co_await wire_.read_head(head);
    if (got != Got::whole) co_return;
    last_status = head.first_line.substr(9, 3);
    number_ = head.count("x-number") == 1 ? static_cast<int>(head.number("x-number")) : 0;
  }

  EngineWorld& sim_;
  Wire wire_;
  std::string text_;
  int number_ = 0;
  bool open_ = false;
  Scope scope_;
};

// A proxy with one origin that follows a script.
struct ScriptedWorld {
  using Change = std::function<void(proxy::Spec&)>;
  ScriptedWorld(Style style, NumberingOrigin::Script script, const Change& change = {}) : sim(1, of(style)) {
    Address address = EngineWorld::backend_of(sim.origin_reactor()).host();
    address.port = 7000;
    proxy::UpstreamSpec& upstream = sim.spec->upstreams[0];
    upstream.endpoints[0].addresses = {address};
    sim.spec->timeouts.keep_alive = 1h;
    if (change) change(*sim.spec);
    origin = std::make_unique<NumberingOrigin>(sim.origin_reactor(), address, std::move(script));
    sim.start();
  }
  ~ScriptedWorld() {
    origin->stop();
    CHECK(sim.world.run_until([&] { return origin->ended(); }, 1h));
    sim.finish(false);
    for (const std::string& violation : sim.violations()) FAIL_CHECK(violation);
  }
  static EngineOptions of(Style style) {
    EngineOptions options;
    options.proxy.style = options.others.style = style;
    return options;
  }

  EngineWorld sim;
  std::unique_ptr<NumberingOrigin> origin;
};

template <class Scenario>
void on_both_styles(Scenario&& scenario) {
  for (const Style style : {Style::readiness, Style::completion}) {
    INFO((style == Style::readiness ? "readiness" : "completion"));
    scenario(style);
  }
}

}  // namespace weir::sim
