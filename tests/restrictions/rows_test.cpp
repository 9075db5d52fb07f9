// Walks the restriction table: where a row holds, what it is about is refused with exactly its id, and where it does not
// hold the same thing works. On every backend that this machine has, and on the simulated one as every platform there is.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "config/platform_check.hpp"
#include "core/backends/registry.hpp"
#include "core/platform/descriptors.hpp"
#include "core/platform/program.hpp"
#include "core/platform/signal_source.hpp"
#include "core/reactor/platforms.hpp"
#include "daemon/platforms.hpp"
#include "tests/conformance/simulated_rig.hpp"
#include "tests/sim/backend/sim_backend.hpp"

using namespace weir;
using namespace weir::conformance;

namespace {

using namespace std::chrono_literals;

void on_every_platform(void (*test)(Rig&)) {
  for (const BackendInfo& info : compiled_backends()) {
    if (!exists({compiled_os(), 0, info.kind})) continue;  // another system's, by way of a library
    INFO(info.name);
    test(*make_rig(info.name));
  }
  for (const Platform& platform : every_platform()) {
    INFO("simulated " << platform_name(platform));
    test(*make_rig(platform));
  }
}

// The outcome of trying is what the table says about the feature.
void expect(Rig& rig, Feature feature, const Error& error) {
  const Ruling ruled = rig.backend().capabilities()[feature];
  CHECK(error.code == (ruled.allowed ? Errc::ok : Errc::not_supported));
  CHECK(error.rule == ruled.rule);
}

bool holds(Rig& rig, std::string_view id) {
  const auto rules = daemon::rules_of(rig.backend().capabilities().platform);
  return std::count(rules.begin(), rules.end(), rule_named(id)) == 1;
}

// Takes the object over and closes it at the end; if it is refused, it is thrown away.
class Adopted {
 public:
  Adopted(Rig& rig, NativeHandle native) : rig_(rig) {
    OpenSpec spec;
    spec.what = OpenSpec::What::adopt;
    spec.native = native;
    error = rig.backend().open(handle, spec);
    if (error) rig.discard(native);
    if (!error) error = rig.backend().attach(handle);
  }
  ~Adopted() {
    if (handle.is_open()) rig_.backend().close(handle);
  }

  Handle handle;
  Error error;

 private:
  Rig& rig_;
};

Error use_pipe(Rig& rig, Natives ends) {
  Adopted reader(rig, ends.first), writer(rig, ends.second);
  CHECK(reader.error == writer.error);
  if (reader.error || writer.error) return reader.error;
  const IoSlice slice(std::string_view("x"));
  Flight writing(writer.handle, OpKind::write);
  writing.slices = {&slice, 1};
  rig.run(writing);
  CHECK(writing.bytes == 1);
  char byte = 0;
  Flight reading(reader.handle, OpKind::read);
  reading.memory = {&byte, 1};
  rig.run(reading);
  CHECK(byte == 'x');
  return reading.error;
}

// Watching for what is there already ends at once or at the next wait.
Error watch(Rig& rig, Handle& handle) {
  Flight watching(handle, OpKind::watch_read);
  rig.run(watching);
  return watching.error;
}

void regular_files(Rig& rig) { expect(rig, Feature::regular_files, Adopted(rig, rig.make_regular_file()).error); }

void char_devices(Rig& rig) {
  const Natives ends = rig.make_char_device();
  {
    const Adopted device(rig, ends.first);
    expect(rig, Feature::char_devices, device.error);
  }
  if (ends.second != no_native_handle) rig.discard(ends.second);
}

void pipes(Rig& rig) { expect(rig, Feature::pipes, use_pipe(rig, rig.make_pipe())); }

void plain_pipes(Rig& rig) {
  Natives ends{};
  if (rig.simulated()) {
    const auto plain = static_cast<sim::SimBackend&>(rig.backend()).make_pipe(false);
    ends = {plain.first, plain.second};
  } else if (rig.backend().capabilities()[Feature::plain_pipes].allowed) {
    ends = rig.make_pipe();
  } else {
    SUCCEED("windows-iocp-overlapped-pipes: a system's rig makes overlapped pipes there, the simulator has plain ones");
    return;
  }
  expect(rig, Feature::plain_pipes, use_pipe(rig, ends));
}

void watch_descriptors(Rig& rig) {
  const Natives ends = rig.make_foreign();
  Adopted watched(rig, ends.first), other(rig, ends.second);
  if (!other.error) rig.poke(other.handle);
  Error error = watched.error;
  if (!error) error = watch(rig, watched.handle);
  expect(rig, Feature::watch_descriptor, error);
}

void watch_pipes(Rig& rig) {
  const Natives ends = rig.make_pipe();
  Adopted reader(rig, ends.first), writer(rig, ends.second);
  if (reader.error) {  // where a pipe cannot be had at all, that comes first
    expect(rig, Feature::pipes, reader.error);
    CHECK_FALSE(rig.backend().capabilities()[Feature::watch_pipe].allowed);
    return;
  }
  const IoSlice slice(std::string_view("x"));
  Flight writing(writer.handle, OpKind::write);
  writing.slices = {&slice, 1};
  rig.run(writing);
  expect(rig, Feature::watch_pipe, watch(rig, reader.handle));
}

void unix_sockets(Rig& rig) {
  const std::string path = std::filesystem::temp_directory_path().string() + "/weir-rows-" +
                           std::to_string(platform::process_id()) + ".sock";
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address.family = Family::unix_path;
  spec.address.path = path;
  Handle listener;
  const Error error = rig.backend().open(listener, spec);
  if (rig.simulated() && rig.backend().capabilities()[Feature::unix_sockets].allowed) {
    CHECK(error.rule == 0);  // its network has no files for sockets to be
  } else {
    expect(rig, Feature::unix_sockets, error);
  }
  if (listener.is_open()) rig.backend().close(listener);
  std::filesystem::remove(path);
}

void named_pipes(Rig& rig) {
  const std::string name = "weir-rows-" + std::to_string(platform::process_id());
  OpenSpec spec;
  spec.address.family = Family::named_pipe;
  spec.address.path = name;
  for (const OpenSpec::What what : {OpenSpec::What::listener, OpenSpec::What::stream}) {
    Handle handle;
    spec.what = what;
    const Error error = rig.backend().open(handle, spec);
    expect(rig, Feature::named_pipes, error);
    if (handle.is_open()) rig.backend().close(handle);
  }
}

void shared_listeners(Rig& rig) {
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.address = rig.any_port();
  spec.reuse_port = true;
  Handle first, second;
  const Closing closing(rig, {&first, &second});
  Error error = rig.backend().open(first, spec);
  if (!error) {
    spec.address = rig.address_of(first);
    error = rig.backend().open(second, spec);
  }
  expect(rig, Feature::shared_listeners, error);
}

void child_processes(Rig& rig) {
  const std::vector<std::string> argv{rig.test_child(), "exit", "3"};
  SpawnSpec spec;
  spec.argv = argv;
  ChildProcess child;
  Error error = rig.backend().spawn(child, spec);
  if (!error) error = rig.backend().attach(child);
  expect(rig, Feature::child_processes, error);
  if (!child.is_open()) return;
  ExitStatus status;
  Flight waiting(child, OpKind::wait_child);
  waiting.child = {&status};
  rig.run(waiting);
  CHECK(status.code == 3);
  rig.backend().close(child);
}

// weir offers no choice of watcher anywhere: children are simply watched, wherever there are any.
void child_watcher(Rig& rig) {
  const Ruling ruled = rig.backend().capabilities()[Feature::child_watcher];
  CHECK(ruled.allowed == (rig.backend().capabilities().platform.os != Os::windows));
  CHECK(ruled.allowed == !holds(rig, "windows-no-child-watcher"));
  child_processes(rig);
}

// A signal to this process arrives as a byte, where there are signals. Elsewhere requests come in another way.
void signal_handlers(Rig& rig) {
  const Ruling ruled = rig.backend().capabilities()[Feature::signal_handlers];
  CHECK(ruled.allowed == (rig.backend().capabilities().platform.os != Os::windows));
  CHECK(ruled.allowed == !holds(rig, "windows-no-signal-handlers"));
  if (rig.simulated() || !ruled.allowed) return;
  platform::SignalSource signals;
  REQUIRE(signals.open().code == Errc::ok);
  Adopted source(rig, signals.take_descriptor());
  REQUIRE(source.error.code == Errc::ok);
  signals.deliver_here();
  REQUIRE(platform::send_signal(platform::process_id(), platform::Signal::reopen_logs).code == Errc::ok);
  char byte = 0;
  Flight reading(source.handle, OpKind::read);
  reading.memory = {&byte, 1};
  rig.run(reading);
  CHECK(static_cast<platform::Signal>(byte) == platform::Signal::reopen_logs);
}

void clock_steps(Rig& rig) {
  const Capabilities& capabilities = rig.backend().capabilities();
  const PlatformLimits limits = platform_limits(capabilities.platform);
  CHECK((limits.clock_rule != 0) == holds(rig, "windows-clock-15ms"));
  const TimePoint deadline = rig.backend().now() + 5ms;
  rig.wait(deadline);
  const Duration late = rig.backend().now() - deadline;
  CHECK(late >= Duration{});
  if (!rig.simulated()) return;
  CHECK(capabilities.clock_resolution == limits.clock_resolution);
  CHECK(late <= limits.clock_resolution);
  if (limits.clock_rule != 0) CHECK(late > 0ms);
}

// Attaches sockets until one is refused, `most` of them at most.
std::size_t attach_sockets(Rig& rig, std::size_t most, Error& error) {
  std::vector<std::unique_ptr<Handle>> open;
  while (!error && open.size() < most) {
    open.push_back(std::make_unique<Handle>());
    OpenSpec spec;
    spec.address.family = Family::ipv4;
    error = rig.backend().open(*open.back(), spec);
    if (!error) error = rig.backend().attach(*open.back());
  }
  const std::size_t attached = open.size() - (error ? 1 : 0);
  for (const auto& handle : open) {
    if (handle->is_open()) rig.backend().close(*handle);
  }
  return attached;
}

void socket_limit(Rig& rig) {
  platform::raise_descriptor_limit();
  const PlatformLimits limits = platform_limits(rig.backend().capabilities().platform);
  constexpr std::size_t plenty = 1100;
  Error error;
  const std::size_t attached = attach_sockets(rig, plenty, error);
  if (limits.max_sockets == 0) {
    CHECK(error.code == Errc::ok);
    CHECK(attached == plenty);
    return;
  }
  CHECK(error.code == Errc::not_supported);
  CHECK(error.rule == limits.max_sockets_rule);
  CHECK(attached <= limits.max_sockets);
  if (rig.simulated()) CHECK(attached == limits.max_sockets);
}

void descriptor_limit(Rig& rig) {
  if (!holds(rig, "posix-descriptor-limit")) return;
  Handle stream, held;
  const Closing closing(rig, {&stream, &held});
  OpenSpec spec;
  spec.address.family = Family::ipv4;
  REQUIRE(rig.backend().open(held, spec).code == Errc::ok);
  rig.leave_descriptors(0);
  const Error short_of = rig.backend().open(stream, spec);
  rig.restore_descriptors();
  CHECK(short_of.code == Errc::descriptor_limit);
  const Error again = rig.backend().open(stream, spec);
  CHECK(again.code == Errc::ok);
}

// The rules about backends are met where one is asked for by name: here by the registry, for others by the check.
void backend_names_of(Rig& rig) {
  const Platform platform = rig.backend().capabilities().platform;
  for (std::size_t i = 0; i < backend_names().size(); ++i) {
    const Platform asked{platform.os, platform.version, static_cast<BackendKind>(i)};
    const Ruling ruled = ruling(asked, Feature::this_backend);
    const auto target = config::parse_target(platform_name(asked));
    CAPTURE(platform_name(asked));
    CHECK(target.has_value() == ruled.allowed);
    if (!target) CHECK(target.error().find(restriction(ruled.rule)->sentence) != std::string::npos);
    if (rig.simulated() || ruled.allowed) continue;
    const auto made = make_backend(backend_names()[i]);
    const bool by_library = std::any_of(compiled_backends().begin(), compiled_backends().end(),
                                        [&](const BackendInfo& info) { return info.name == backend_names()[i]; });
    if (!by_library) CHECK(made.error().find(restriction(ruled.rule)->sentence) == 0);
  }
}

struct RowTest {
  std::string_view id;
  void (*test)(Rig&);
};

constexpr RowTest row_tests[] = {
    {"regular-files-not-watchable", regular_files},
    {"windows-no-unix-sockets", unix_sockets},
    {"windows-no-signal-handlers", signal_handlers},
    {"windows-no-child-watcher", child_watcher},
    {"windows-clock-15ms", clock_steps},
    {"windows-iocp-no-watch", watch_descriptors},
    {"windows-iocp-overlapped-pipes", plain_pipes},
    {"windows-select-sockets-only", char_devices},
    {"windows-select-no-pipe-watch", watch_pipes},
    {"windows-select-no-pipes", pipes},
    {"windows-select-no-subprocess", child_processes},
    {"windows-select-512", socket_limit},
    {"macos-10-8-kqueue-char-devices", char_devices},
    {"posix-select-fd-setsize", socket_limit},
    {"posix-descriptor-limit", descriptor_limit},
    {"epoll-linux-only", backend_names_of},
    {"io-uring-linux-only", backend_names_of},
    {"kqueue-bsd-only", backend_names_of},
    {"iocp-windows-only", backend_names_of},
    {"windows-no-poll", backend_names_of},
    {"windows-no-reuse-port", shared_listeners},
    {"named-pipes-windows-only", named_pipes},
};

}  // namespace

TEST_CASE("every row of the restriction table has a test, and every test a row") {
  std::set<std::string_view> tested;
  for (const RowTest& row : row_tests) {
    CAPTURE(row.id);
    CHECK(tested.insert(row.id).second);
    CHECK(rule_named(row.id) != 0);
  }
  for (const Restriction& row : restrictions()) {
    CAPTURE(row.id);
    CHECK(tested.count(row.id) == 1);
  }
}

TEST_CASE("each row refuses exactly where it holds, and elsewhere the same thing works") {
  std::set<void (*)(Rig&)> done;
  for (const RowTest& row : row_tests) {
    if (!done.insert(row.test).second) continue;  // rows about one feature of several platforms share a test
    INFO(row.id);
    on_every_platform(row.test);
  }
}

TEST_CASE("every row holds on some platform that was walked, or says that one does not exist") {
  std::set<RuleId> met;
  for (const Platform& platform : every_platform()) {
    for (const RuleId rule : daemon::rules_of(platform)) met.insert(rule);
    for (std::size_t i = 0; i < backend_names().size(); ++i) {
      met.insert(ruling({platform.os, 0, static_cast<BackendKind>(i)}, Feature::this_backend).rule);
    }
  }
  for (const Restriction& row : restrictions()) {
    CAPTURE(row.id);
    CHECK(met.count(rule_named(row.id)) == 1);
  }
}
