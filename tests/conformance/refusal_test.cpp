// Line 11: what cannot be done is refused at open, attach or submit, with the rule that says why.

#include <fcntl.h>
#include <sys/select.h>
#include <unistd.h>

#include "core/reactor/restrictions.hpp"
#include "tests/conformance/rig.hpp"

using namespace weir;
using namespace weir::conformance;

BACKEND_TEST("a regular file is refused with its rule, and stays with the caller") {
  const NativeHandle file = rig.make_regular_file();
  Handle handle;
  OpenSpec spec;
  spec.what = OpenSpec::What::adopt;
  spec.native = file;
  const Error error = rig.backend().open(handle, spec);
  CHECK(error.code == Errc::not_supported);
  REQUIRE(restriction(error.rule) != nullptr);
  CHECK(restriction(error.rule)->id == "regular-files-not-watchable");
  CHECK_FALSE(handle.is_open());
  rig.discard(file);
}

BACKEND_TEST("capabilities are what the restriction table says") {
  const Capabilities& capabilities = rig.backend().capabilities();
  CHECK(rig.name().starts_with(capabilities.name));
  CHECK(capabilities.clock_resolution > Duration{});
  for (std::size_t i = 0; i < feature_count; ++i) {
    const auto feature = static_cast<Feature>(i);
    const Ruling expected = ruling(capabilities.platform, feature);
    CHECK(capabilities[feature].allowed == expected.allowed);
    CHECK(capabilities[feature].rule == expected.rule);
  }
  CHECK(capabilities.max_sockets == platform_limits(capabilities.platform).max_sockets);
}

// What a platform refuses is refused wherever it is tried; what it allows is tried in the other tests.
BACKEND_TEST("a refused watch names its rule at submit or before") {
  const Ruling rule = rig.backend().capabilities()[Feature::watch_pipe];
  if (rule.allowed) {
    SUCCEED("allowed here: tried by the cancel tests");
    return;
  }
  const Natives ends = rig.make_pipe();
  Handle reader;
  Closing closing(rig, {&reader});
  OpenSpec spec;
  spec.what = OpenSpec::What::adopt;
  spec.native = ends.first;
  Error error = rig.backend().open(reader, spec);
  if (!error) error = rig.backend().attach(reader);
  if (!error) {
    Flight watching(reader, OpKind::watch_read);
    CHECK(rig.submit(watching) == Submit::done);
    error = watching.error;
    CHECK(error.rule == rule.rule);
  }
  CHECK(error.code == Errc::not_supported);
  CHECK(error.rule != 0);
  rig.discard(ends.second);
}

SYSTEM_TEST("a descriptor beyond what select can hold is refused by select only") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int high = ::fcntl(ends[0], F_DUPFD, FD_SETSIZE);
  REQUIRE(high >= FD_SETSIZE);
  const int highest_allowed = ::fcntl(ends[0], F_DUPFD, FD_SETSIZE - 1);
  REQUIRE(highest_allowed == FD_SETSIZE - 1);
  Handle too_high, high_enough;
  Closing closing(rig, {&too_high, &high_enough});
  OpenSpec spec;
  spec.what = OpenSpec::What::adopt;
  spec.native = high;
  REQUIRE(rig.backend().open(too_high, spec).code == Errc::ok);
  const Error error = rig.backend().attach(too_high);
  if (rig.name() == "select") {
    CHECK(error.code == Errc::not_supported);
    REQUIRE(restriction(error.rule) != nullptr);
    CHECK(restriction(error.rule)->id == "posix-select-fd-setsize");
  } else {
    CHECK(error.code == Errc::ok);
  }
  rig.adopt(high_enough, highest_allowed);
  char memory[8];
  Flight reading(high_enough, OpKind::read);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(reading) == Submit::pending);
  REQUIRE(::write(ends[1], "edge", 4) == 4);
  rig.finish(reading);
  CHECK(std::string_view(memory, reading.bytes) == "edge");
  ::close(ends[0]);
  ::close(ends[1]);
}

// A descriptor that an owner outside has closed must fail its ops, not the whole wait for ever.
SYSTEM_TEST("a descriptor closed behind the backend's back does not stop the others") {
  const Natives pipe = rig.make_pipe();
  Handle reader, writer, client, server;
  Closing closing(rig, {&reader, &writer, &client, &server});
  rig.adopt(reader, pipe.first);
  rig.adopt(writer, pipe.second);
  rig.connect(client, server);
  char memory[8];
  Flight reading(reader, OpKind::read);
  reading.memory = {memory, sizeof memory};
  REQUIRE(rig.submit(reading) == Submit::pending);
  ::close(static_cast<int>(reader.native));
  CHECK(rig.send_all(client, "x") == 1);
  CHECK(rig.receive(server, 1) == "x");
  rig.settle();
  if (!reading.ended()) {
    rig.cancel(reading);  // epoll has forgotten the descriptor without a word
    rig.finish(reading);
    CHECK(reading.code() == Errc::cancelled);
  } else {
    CHECK(reading.code() == Errc::bad_descriptor);
  }
}
