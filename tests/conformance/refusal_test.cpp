// Line 11: what cannot be done is refused at open, attach or submit, with the rule that says why.

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
    SUCCEED("windows-select-no-pipe-watch does not hold here, nor another: the cancel tests watch pipes");
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
