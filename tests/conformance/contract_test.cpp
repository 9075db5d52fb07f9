// Lines 1 to 6 of the contract in core/reactor/backend.hpp; what each kind of operation does at its simplest.

#include <array>

#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

BACKEND_TEST("a connection is accepted and carries bytes both ways") {
  Handle listener, client, server;
  Closing closing(rig, {&listener, &client, &server});
  rig.listen(listener);
  rig.connect(listener, client, server);
  CHECK(rig.send_all(client, "ping") == 4);
  CHECK(rig.receive(server, 4) == "ping");
  CHECK(rig.send_all(server, "pong") == 4);
  CHECK(rig.receive(client, 4) == "pong");
}

BACKEND_TEST("an accept tells who connected, and may be told not to") {
  Handle listener, first, second, accepted, accepted_too;
  Closing closing(rig, {&listener, &first, &second, &accepted, &accepted_too});
  rig.listen(listener);
  const Address to = rig.address_of(listener);
  rig.open_stream(first);
  rig.open_stream(second);
  for (Handle* client : {&first, &second}) {
    Flight connecting(*client, OpKind::connect);
    connecting.connect = {&to};
    rig.run(connecting);
    REQUIRE(connecting.code() == Errc::ok);
  }
  Address peer;
  Flight asking(listener, OpKind::accept);
  asking.accept = {&accepted, &peer};
  rig.run(asking);
  CHECK(peer.family == Family::ipv4);
  CHECK(peer.ip == to.ip);
  CHECK(peer.port != 0);
  CHECK(accepted.kind == HandleKind::stream_socket);
  Flight not_asking(listener, OpKind::accept);
  not_asking.accept = {&accepted_too, nullptr};
  rig.run(not_asking);
  CHECK(accepted_too.is_open());
}

BACKEND_TEST("an op completes exactly once, at submit or through wait") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  char memory[16];
  Flight early(server, OpKind::recv);
  early.memory = {memory, sizeof memory};
  CHECK(rig.submit(early) == Submit::pending);
  CHECK(early.completions == 0);
  CHECK(rig.send_all(client, "one") == 3);
  rig.finish(early);
  CHECK(std::string_view(memory, early.bytes) == "one");
  CHECK(rig.send_all(client, "two") == 3);
  rig.settle();
  Flight late(server, OpKind::recv);
  late.memory = {memory, sizeof memory};
  rig.run(late);
  CHECK(std::string_view(memory, late.bytes) == "two");
  CHECK(rig.settle() == 0);
  CHECK(early.completions == 1);
  CHECK(late.completions == 1);
}

BACKEND_TEST("submit, cancel, close, shutdown and wake never call complete") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  char memory[16];
  Flight reading(server, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  rig.submit(reading);
  rig.send_all(client, "x");
  rig.backend().wake();
  rig.backend().shutdown(client, Direction::out);
  Flight other(client, OpKind::recv);
  other.memory = {memory, sizeof memory};
  if (rig.submit(other) == Submit::pending) rig.cancel(other);
  if (!other.ended()) rig.finish(other);
  if (!reading.ended()) rig.finish(reading);
  rig.backend().close(client);
  rig.settle();
  CHECK_FALSE(reading.called);
  CHECK_FALSE(other.called);
}

BACKEND_TEST("an op that is destroyed in flight ends the process") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  CHECK(aborts([&] {
    char memory[16];
    Flight reading(server, OpKind::recv);
    reading.memory = {memory, sizeof memory};
    rig.submit(reading);
  }));
}

BACKEND_TEST("a second op in one direction ends the process") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  CHECK(aborts([&] {
    char memory[16];
    auto* first = new Flight(server, OpKind::recv);
    auto* second = new Flight(server, OpKind::recv);
    first->memory = second->memory = {memory, sizeof memory};
    rig.submit(*first);
    rig.submit(*second);
  }));
}

BACKEND_TEST("closing with an op in flight ends the process") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  CHECK(aborts([&] {
    char memory[16];
    auto* reading = new Flight(server, OpKind::recv);
    reading->memory = {memory, sizeof memory};
    rig.submit(*reading);
    rig.backend().close(server);
  }));
}

BACKEND_TEST("one op in each direction of a handle are in flight together") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  rig.narrow(client);
  REQUIRE(rig.fill(client) == Errc::ok);
  char memory[16];
  Flight reading(client, OpKind::recv);
  reading.memory = {memory, sizeof memory};
  CHECK(rig.submit(reading) == Submit::pending);
  const IoSlice slice(std::string_view("more"));
  Flight writing(client, OpKind::send);
  writing.slices = {&slice, 1};
  CHECK(rig.submit(writing) == Submit::pending);
  rig.send_all(server, "there");
  rig.finish(reading);
  CHECK(std::string_view(memory, reading.bytes) == "there");
  char drain[4096];
  while (!writing.ended()) {
    Flight draining(server, OpKind::recv);
    draining.memory = {drain, sizeof drain};
    rig.run(draining);
    REQUIRE(draining.bytes > 0);
    rig.poll();
  }
  CHECK(writing.bytes == 4);
}

BACKEND_TEST("many slices are sent in order, more than one call can take as well") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  std::vector<std::string> texts;
  std::string expected;
  for (int i = 0; i < 3000; ++i) expected += texts.emplace_back(std::to_string(i) + ",");
  std::vector<IoSlice> slices(texts.begin(), texts.end());
  std::size_t next = 0;
  while (next < slices.size()) {
    Flight op(client, OpKind::send);
    op.slices = {slices.data() + next, static_cast<std::uint32_t>(slices.size() - next)};
    rig.run(op);
    REQUIRE(op.code() == Errc::ok);
    REQUIRE(op.bytes > 0);
    std::size_t left = op.bytes;
    while (next < slices.size() && left >= slices[next].size) left -= slices[next++].size;
    if (left > 0) slices[next] = IoSlice(slices[next].data + left, slices[next].size - left);
  }
  CHECK(rig.receive(server, expected.size()) == expected);
}

BACKEND_TEST("a hundred parked receives each end with their own bytes") {
  constexpr std::size_t count = 100;
  std::vector<Handle> clients(count), servers(count);
  Handle listener;
  Closing closing(rig, {&listener});
  rig.listen(listener);
  std::vector<std::unique_ptr<Flight>> flights;
  std::vector<std::array<char, 8>> memory(count);
  for (std::size_t i = 0; i < count; ++i) {
    rig.connect(listener, clients[i], servers[i]);
    closing.add(clients[i]);
    closing.add(servers[i]);
    flights.push_back(std::make_unique<Flight>(servers[i], OpKind::recv));
    flights[i]->memory = {memory[i].data(), memory[i].size()};
    REQUIRE(rig.submit(*flights[i]) == Submit::pending);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t which = i * 37 % count;
    rig.send_all(clients[which], std::to_string(which));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!flights[i]->ended()) rig.finish(*flights[i]);
    CHECK(std::string_view(memory[i].data(), flights[i]->bytes) == std::to_string(i));
    CHECK(flights[i]->completions == 1);
  }
}

BACKEND_TEST("a leased receive takes a buffer when bytes are there, not before") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  BufferPool pool(4096);
  Buffer into;
  Flight reading(server, OpKind::recv_leased);
  reading.lease = {&into, &pool};
  CHECK(rig.submit(reading) == Submit::pending);
  CHECK(pool.in_use() == 0);
  rig.send_all(client, "bytes");
  rig.finish(reading);
  CHECK(into.view() == "bytes");
  CHECK(reading.bytes == 5);

  // One that holds something already is filled up behind it.
  rig.send_all(client, " more");
  Flight again(server, OpKind::recv_leased);
  again.lease = {&into, &pool};
  rig.run(again);
  CHECK(into.view() == "bytes more");
  CHECK(pool.in_use() == 1);
}

BACKEND_TEST("a leased receive that ends without bytes keeps no buffer") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  BufferPool pool(4096);
  Buffer into;
  Flight cancelled(server, OpKind::recv_leased);
  cancelled.lease = {&into, &pool};
  REQUIRE(rig.submit(cancelled) == Submit::pending);
  rig.cancel(cancelled);
  rig.finish(cancelled);
  CHECK(cancelled.code() == Errc::cancelled);
  CHECK_FALSE(into);
  rig.backend().close(client);
  Flight at_end(server, OpKind::recv_leased);
  at_end.lease = {&into, &pool};
  rig.run(at_end);
  CHECK(at_end.code() == Errc::ok);
  CHECK(at_end.bytes == 0);
  CHECK_FALSE(into);
  CHECK(pool.in_use() == 0);
}

BACKEND_TEST("a leased receive from an empty pool says so and loses nothing") {
  Handle client, server;
  Closing closing(rig, {&client, &server});
  rig.connect(client, server);
  BufferPool pool(4096, 1);
  Buffer hog = pool.take();
  Buffer into;
  rig.send_all(client, "kept");
  Flight hungry(server, OpKind::recv_leased);
  hungry.lease = {&into, &pool};
  rig.run(hungry);
  CHECK(hungry.code() == Errc::out_of_memory);
  hog.reset();
  Flight fed(server, OpKind::recv_leased);
  fed.lease = {&into, &pool};
  rig.run(fed);
  CHECK(into.view() == "kept");
}

BACKEND_TEST("a pipe is read and written until its writer goes") {
  const Natives ends = rig.make_pipe();
  Handle reader, writer;
  Closing closing(rig, {&reader, &writer});
  const auto try_it = [&] {
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = ends.first;
    if (const Error error = rig.backend().open(reader, spec)) return error;
    return rig.backend().attach(reader);
  };
  if (rig.refused_here(Feature::pipes, try_it)) {
    rig.discard(ends.second);
    return;
  }
  rig.adopt(reader, ends.first);
  rig.adopt(writer, ends.second);
  CHECK(reader.kind == HandleKind::pipe);
  char memory[16];
  Flight reading(reader, OpKind::read);
  reading.memory = {memory, sizeof memory};
  CHECK(rig.submit(reading) == Submit::pending);
  const std::array slices{IoSlice(std::string_view("through ")), IoSlice(std::string_view("a pipe"))};
  Flight writing(writer, OpKind::write);
  writing.slices = {slices.data(), slices.size()};
  rig.run(writing);
  CHECK(writing.bytes == 14);
  rig.finish(reading);
  std::string got(memory, reading.bytes);
  while (got.size() < 14) {  // one read need not see all slices of one write
    Flight more(reader, OpKind::read);
    more.memory = {memory, sizeof memory};
    rig.run(more);
    REQUIRE(more.bytes > 0);
    got.append(memory, more.bytes);
  }
  CHECK(got == "through a pipe");
  Flight at_end(reader, OpKind::read);
  at_end.memory = {memory, sizeof memory};
  CHECK(rig.submit(at_end) == Submit::pending);
  rig.backend().close(writer);
  rig.finish(at_end);
  CHECK(at_end.code() == Errc::ok);
  CHECK(at_end.bytes == 0);
}

BACKEND_TEST("a character device is read and written") {
  const Natives ends = rig.make_char_device();
  Handle device, other;
  Closing closing(rig, {&device, &other});
  const auto try_it = [&] {
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = ends.first;
    if (const Error error = rig.backend().open(device, spec)) return error;
    return rig.backend().attach(device);
  };
  if (rig.refused_here(Feature::char_devices, try_it)) {
    rig.discard(ends.second);
    return;
  }
  rig.adopt(device, ends.first);
  CHECK(device.kind == HandleKind::char_device);
  char memory[64];
  if (ends.second == no_native_handle) {  // the null device: takes everything, has nothing
    const IoSlice bytes(std::string_view("bytes"));
    Flight vanishing(device, OpKind::write);
    vanishing.slices = {&bytes, 1};
    rig.run(vanishing);
    CHECK(vanishing.bytes == 5);
    Flight at_end(device, OpKind::read);
    at_end.memory = {memory, sizeof memory};
    rig.run(at_end);
    CHECK(at_end.code() == Errc::ok);
    CHECK(at_end.bytes == 0);
    return;
  }
  rig.adopt(other, ends.second);
  Flight reading(device, OpKind::read);
  reading.memory = {memory, sizeof memory};
  CHECK(rig.submit(reading) == Submit::pending);
  const IoSlice line(std::string_view("typed\n"));
  Flight writing(other, other.kind == HandleKind::stream_socket ? OpKind::send : OpKind::write);
  writing.slices = {&line, 1};
  rig.run(writing);
  CHECK(writing.bytes == 6);
  rig.finish(reading);
  CHECK(std::string_view(memory, reading.bytes).starts_with("typed"));
}

BACKEND_TEST("a foreign descriptor is watched again and again") {
  const Natives ends = rig.make_foreign();
  Handle watched, other;
  Closing closing(rig, {&watched, &other});
  const auto try_it = [&] {
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = ends.first;
    if (const Error error = rig.backend().open(watched, spec)) return error;
    return rig.backend().attach(watched);
  };
  if (rig.refused_here(Feature::watch_descriptor, try_it)) {
    rig.discard(ends.second);
    return;
  }
  rig.adopt(watched, ends.first);
  CHECK(watched.kind == HandleKind::foreign);
  Flight writable(watched, OpKind::watch_write);
  rig.run(writable);
  CHECK(writable.code() == Errc::ok);
  Flight readable(watched, OpKind::watch_read);
  CHECK(rig.submit(readable) == Submit::pending);
  CHECK(rig.settle() == 0);
  rig.adopt(other, ends.second);
  rig.poke(other);
  rig.finish(readable);
  CHECK(readable.code() == Errc::ok);
  // The bytes there have not been taken.
  Flight still(watched, OpKind::watch_read);
  rig.run(still);
  CHECK(still.code() == Errc::ok);
}
