// Listeners: no connection is stranded, whatever the pace of the accepting side, and running short of descriptors
// passes when there are descriptors again.

#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

struct Crowd {
  Crowd(Rig& owner, Handle& listener, std::size_t count) : rig(owner), to(owner.address_of(listener)), clients(count) {
    for (Handle& client : clients) rig.open_stream(client);
  }
  ~Crowd() {
    for (Handle& client : clients) rig.backend().close(client);
  }
  void connect() {
    std::vector<std::unique_ptr<Flight>> flights;
    for (Handle& client : clients) {
      flights.push_back(std::make_unique<Flight>(client, OpKind::connect));
      flights.back()->connect = {&to};
      rig.submit(*flights.back());
    }
    for (auto& flight : flights) {
      if (!flight->ended()) rig.finish(*flight);
      REQUIRE(flight->code() == Errc::ok);
    }
  }
  Rig& rig;
  Address to;
  std::vector<Handle> clients;
};

void accept_those_that_wait(Rig& rig, bool ahead) {
  Handle listener, first;
  Closing closing(rig, {&listener, &first});
  rig.listen(listener);
  Crowd crowd(rig, listener, 50);
  Flight accepting(listener, OpKind::accept);
  accepting.accept = {&first, nullptr, ahead};
  REQUIRE(rig.submit(accepting) == Submit::pending);
  crowd.connect();
  if (!accepting.ended()) rig.finish(accepting);
  rig.settle();  // every event there is has been seen, with no op to go with it
  for (std::size_t i = 1; i < crowd.clients.size(); ++i) {
    Handle server;
    Closing soon(rig, {&server});
    Flight next(listener, OpKind::accept);
    Address peer;
    next.accept = {&server, &peer, ahead};
    rig.run(next);
    REQUIRE(next.code() == Errc::ok);
    CHECK((peer.has_port() && peer.port != 0));
    REQUIRE(server.is_open());
  }
  Handle nobody;
  Flight last(listener, OpKind::accept);
  last.accept = {&nobody, nullptr, ahead};
  CHECK(rig.submit(last) == Submit::pending);
  rig.settle();
  CHECK_FALSE(last.ended());
  rig.cancel(last);
  rig.finish(last);
}

// A listener that is to be closed takes what waits this way: what it missed would be reset.
void take_with_cancelled_accepts(Rig& rig, bool ahead) {
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  Crowd crowd(rig, listener, 50);
  crowd.connect();
  rig.settle();
  for (std::size_t i = 0; i <= crowd.clients.size(); ++i) {
    Handle server;
    Closing soon(rig, {&server});
    Flight accepting(listener, OpKind::accept);
    accepting.accept = {&server, nullptr, ahead};
    if (rig.submit(accepting) == Submit::pending) {
      rig.cancel(accepting);
      rig.finish(accepting);
    }
    CHECK(accepting.code() == (i < crowd.clients.size() ? Errc::ok : Errc::cancelled));
    CHECK(server.is_open() == (i < crowd.clients.size()));
  }
}

}  // namespace

BACKEND_TEST("connections that wait while nobody accepts are all accepted later") {
  accept_those_that_wait(rig, false);
}

BACKEND_TEST("connections that wait while nobody accepts are all accepted later, by a caller with room for all") {
  accept_those_that_wait(rig, true);
}

BACKEND_TEST("an accept that is cancelled at once takes a connection that waits already") {
  take_with_cancelled_accepts(rig, false);
}

BACKEND_TEST(
    "an accept that is cancelled at once, by a caller with room for all, takes a connection that waits already") {
  take_with_cancelled_accepts(rig, true);
}

// Whether the backend has accepted them by itself or not, the waiter learns that no connection will come.
BACKEND_TEST("a listener that is closed after an accept ahead leaves no client waiting") {
  Handle listener, first;
  Closing closing(rig, {&listener, &first});
  rig.listen(listener);
  Crowd crowd(rig, listener, 5);
  Flight accepting(listener, OpKind::accept);
  accepting.accept = {&first, nullptr, true};
  const Submit submitted = rig.submit(accepting);
  crowd.connect();
  if (submitted == Submit::pending && !accepting.ended()) rig.finish(accepting);
  REQUIRE(accepting.code() == Errc::ok);
  rig.backend().close(listener);
  std::size_t ended = 0;
  for (Handle& client : crowd.clients) {
    char memory[8];
    Flight receiving(client, OpKind::recv);
    receiving.memory = {memory, sizeof memory};
    if (rig.submit(receiving) == Submit::pending) rig.settle();
    if (receiving.ended()) {
      CHECK(receiving.bytes == 0);
      ++ended;
    } else {
      rig.cancel(receiving);
      rig.finish(receiving);
    }
  }
  CHECK(ended == crowd.clients.size() - 1);
}

BACKEND_TEST("an accept that was not ahead follows one that was, and the other way round") {
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  for (const bool ahead : {true, false, false, true, true, false, true}) {
    Handle server;
    Closing soon(rig, {&server});
    Crowd crowd(rig, listener, 1);
    Flight accepting(listener, OpKind::accept);
    accepting.accept = {&server, nullptr, ahead};
    const Submit submitted = rig.submit(accepting);
    rig.settle();
    CHECK(submitted == Submit::pending);
    CHECK_FALSE(accepting.ended());
    crowd.connect();
    if (!accepting.ended()) rig.finish(accepting);
    CHECK(accepting.code() == Errc::ok);
  }
}

BACKEND_TEST("accept under descriptor exhaustion says so and recovers by itself", limited) {
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  Crowd crowd(rig, listener, 3);
  Handle servers[3];
  Flight parked(listener, OpKind::accept);
  parked.accept = {&servers[0], nullptr};
  REQUIRE(rig.submit(parked) == Submit::pending);
  rig.leave_descriptors(0);
  crowd.connect();
  if (!parked.ended()) rig.finish(parked);
  CHECK(parked.code() == Errc::descriptor_limit);
  Flight again(listener, OpKind::accept);
  again.accept = {&servers[0], nullptr};
  rig.run(again);
  CHECK(again.code() == Errc::descriptor_limit);
  rig.restore_descriptors();
  for (Handle& server : servers) {
    Flight accepting(listener, OpKind::accept);
    accepting.accept = {&server, nullptr};
    rig.run(accepting);
    CHECK(accepting.code() == Errc::ok);
    REQUIRE(server.is_open());
  }
  for (Handle& server : servers) rig.backend().close(server);
}

BACKEND_TEST("opening a stream under descriptor exhaustion says so", limited) {
  Handle stream, other;
  Closing closing(rig, {&stream, &other});
  rig.open_stream(other);
  rig.leave_descriptors(0);
  OpenSpec spec;
  spec.address.family = Family::ipv4;
  const Error error = rig.backend().open(stream, spec);
  CHECK(error.code == Errc::descriptor_limit);
  CHECK_FALSE(stream.is_open());
  rig.restore_descriptors();
  rig.open_stream(stream);
}

BACKEND_TEST("a second listener on the same address is refused as address_in_use") {
  Handle listener, second;
  Closing closing(rig, {&listener, &second});
  rig.listen(listener);
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = rig.address_of(listener);
  CHECK(rig.backend().open(second, spec).code == Errc::address_in_use);
  CHECK_FALSE(second.is_open());
}

BACKEND_TEST("listeners that share an address by reuse_port accept everything between them") {
  Handle one, two;
  Closing closing(rig, {&one, &two});
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.reuse_port = true;
  spec.address = rig.any_port();
  if (rig.refused_here(Feature::shared_listeners, [&] { return rig.backend().open(one, spec); })) return;
  REQUIRE(rig.backend().open(one, spec).code == Errc::ok);
  spec.address = rig.address_of(one);
  REQUIRE(rig.backend().open(two, spec).code == Errc::ok);
  REQUIRE(rig.backend().attach(one).code == Errc::ok);
  REQUIRE(rig.backend().attach(two).code == Errc::ok);
  Crowd crowd(rig, one, 40);
  crowd.connect();
  std::size_t accepted = 0;
  for (Handle* listener : {&one, &two}) {
    for (;;) {
      Handle server;
      Closing soon(rig, {&server});
      Flight accepting(*listener, OpKind::accept);
      accepting.accept = {&server, nullptr};
      if (rig.submit(accepting) == Submit::pending) {
        rig.settle();
        if (!accepting.ended()) {
          rig.cancel(accepting);
          rig.finish(accepting);
        }
      }
      if (accepting.code() != Errc::ok) break;
      ++accepted;
    }
  }
  CHECK(accepted == crowd.clients.size());
}

BACKEND_TEST("a unix socket is listened on and connected to") {
  const std::string path = "weir-conformance-" + std::string(rig.name()) + ".sock";
  Handle listener, client, server;
  Closing closing(rig, {&listener, &client, &server});
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address.family = Family::unix_path;
  spec.address.path = path;
  spec.unix_mode = 0600;
  if (rig.refused_here(Feature::unix_sockets, [&] { return rig.backend().open(listener, spec); })) {
    OpenSpec stream;
    stream.address.family = Family::unix_path;
    CHECK(rig.refused_here(Feature::unix_sockets, [&] { return rig.backend().open(client, stream); }));
    return;
  }
  REQUIRE(rig.backend().open(listener, spec).code == Errc::ok);
  REQUIRE(rig.backend().attach(listener).code == Errc::ok);
  OpenSpec stream;
  stream.address.family = Family::unix_path;
  REQUIRE(rig.backend().open(client, stream).code == Errc::ok);
  REQUIRE(rig.backend().attach(client).code == Errc::ok);
  Flight connecting(client, OpKind::connect);
  connecting.connect = {&spec.address};
  Address peer;
  Flight accepting(listener, OpKind::accept);
  accepting.accept = {&server, &peer};
  rig.submit(connecting);
  rig.run(accepting);
  if (!connecting.ended()) rig.finish(connecting);
  CHECK(connecting.code() == Errc::ok);
  CHECK(peer.family == Family::unix_path);
  REQUIRE(rig.backend().attach(server).code == Errc::ok);
  CHECK(rig.send_all(server, "by path") == 7);
  CHECK(rig.receive(client, 7) == "by path");
  std::remove(path.c_str());
}
