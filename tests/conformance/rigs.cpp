// The rigs of the simulator, as several platforms; a system's own is in the folder of its name.

#include <cstdlib>

#include "tests/conformance/simulated_rig.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_children.hpp"
#include "tests/support/test_child.hpp"

namespace weir::conformance {
namespace {

struct World {
  sim::SimWorld world{20'261};
};

const sim::SimProfile& profile_named(std::string_view name) {
  for (const sim::SimProfile& profile : sim::all_profiles()) {
    if (profile.name == name) return profile;
  }
  FAIL("no simulated platform is named " << name);
  std::abort();
}

// What tests/support/child.cpp does, as far as a simulated program can.
sim::SimProgram play_test_child(const SpawnSpec& spec) {
  const auto argument = [&](std::size_t index) { return index < spec.argv.size() ? spec.argv[index] : std::string(); };
  const auto number = [&](std::size_t index) { return std::strtoul(argument(index).c_str(), nullptr, 10); };
  const std::string what = argument(1);
  sim::SimProgram program;
  if (what == "exit") {
    program.code = static_cast<std::uint32_t>(number(2));
  } else if (what == "abort") {
    program.signal = 6;  // SIGABRT, which Windows numbers otherwise
  } else if (what == "sleep") {
    program.takes = std::chrono::milliseconds{number(2)};
  } else if (what == "say") {
    program.out = argument(2);
    program.err = argument(3);
  } else if (what == "cat") {
    program.copies_input = true;
  } else if (what == "flood") {
    program.out.assign(number(2), 'f');
  } else if (what == "args") {
    for (std::size_t i = 2; i < spec.argv.size(); ++i) program.out.append("[").append(spec.argv[i]).append("]\n");
  } else if (what == "env") {
    program.out = "(unset)";
    for (const EnvironmentVariable& one : spec.environment) {
      if (one.name == argument(2)) program.out = one.value;
    }
  } else if (what == "cwd") {
    program.out = spec.working_directory;
  } else if (what == "grandchild") {
    program.out = "started\n";
    program.takes = std::chrono::milliseconds{number(3)};
    program.leaves_descendant = true;
  } else {
    program.code = 99;
  }
  return program;
}

class SimulatedRig final : private World, public Rig {
 public:
  SimulatedRig(std::string_view name, const sim::SimProfile& profile) : Rig(name, world.make_backend(profile)) {}
  ~SimulatedRig() override { drop_backend(); }

  bool simulated() const noexcept override { return true; }
  Address any_port() override { return sim().host(); }
  Address address_of(const Handle& listener) override { return sim().local_address(listener); }
  Natives make_pipe() override { return natives(sim().make_pipe()); }
  Natives make_sockets() override { return natives(sim().make_socket_pair()); }
  Natives make_char_device() override { return natives(sim().make_char_device()); }
  Natives make_foreign() override { return natives(sim().make_foreign()); }
  void poke(Handle& other) override { REQUIRE(send_all(other, "x") == 1); }
  NativeHandle make_regular_file() override { return sim().make_regular_file(); }
  std::string test_child() override {
    world.children().install("test-child", play_test_child);
    return "test-child";
  }
  void discard(NativeHandle native) override { sim().discard(native); }
  void narrow(Handle&) override {}  // links are narrow enough: 64 KiB
  void leave_descriptors(std::size_t count) override {
    sim().set_max_descriptors(static_cast<std::uint32_t>(sim().open_handles() + count));
  }
  void restore_descriptors() override { sim().set_max_descriptors(0); }
  void fail_starts(bool always) override {
    sim::FaultPlan plan;
    plan.spawn_failure = always ? 1 : 0;
    world.set_faults(plan);
  }

 private:
  sim::SimBackend& sim() noexcept { return static_cast<sim::SimBackend&>(backend()); }
  static Natives natives(sim::SimBackend::Pair pair) { return {pair.first, pair.second}; }
};

}  // namespace

std::unique_ptr<Rig> make_rig(std::string_view name) {
  if (name.starts_with("sim")) return std::make_unique<SimulatedRig>(name, profile_named(name));
  return make_system_rig(name);
}

std::unique_ptr<Rig> make_rig(const Platform& platform) {
  return std::make_unique<SimulatedRig>("sim", sim::profile_for(platform));
}

}  // namespace weir::conformance
