// The conformance suite as weir's selftest runs it: the tests of one backend, and of what that backend is on older
// kernels. Those of the simulator are left out: they prove nothing about a machine. The child processes that tests
// start are this program once more, told by its environment.

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/support/session.hpp"  // before anything that includes Catch2

#ifdef _WIN32
#include <windows.h>
#endif

#include "daemon/selftest.hpp"
#include "tests/conformance/rig.hpp"
#include "tests/support/test_child.hpp"

namespace weir::daemon {
namespace {

constexpr const char* child_mark = "WEIR_SELFTEST_CHILD";
constexpr const char* child_place = "WEIR_TEST_CHILD";  // read by test_child_path

std::string started_as;  // argv[0]

void set_environment(const char* name, const std::string& value) {
#ifdef _WIN32
  ::_putenv_s(name, value.c_str());
#else
  ::setenv(name, value.c_str(), 1);
#endif
}

std::string own_path() {
#ifdef _WIN32
  char name[MAX_PATH];
  return {name, ::GetModuleFileNameA(nullptr, name, MAX_PATH)};
#else
  std::error_code error;
  if (const auto linked = std::filesystem::read_symlink("/proc/self/exe", error); !error) return linked.string();
  if (started_as.find('/') != std::string::npos) return std::filesystem::absolute(started_as).string();
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (std::filesystem::exists(folder + "/" + started_as, error)) return folder + "/" + started_as;
  }
  return started_as;
#endif
}

void prepare() {
  conformance::register_tests();
  if (std::getenv(child_place) != nullptr) return;
  set_environment(child_place, own_path());
  set_environment(child_mark, "1");
}

SuiteResult run(std::string_view backend) {
  static const bool prepared = (prepare(), true);
  static_cast<void>(prepared);
  test::Collected collected = test::run_tests(fmt::format("[{0}],[{0}-fallbacks]", backend));
  return {collected.passed, collected.failed, std::move(collected.failures)};
}

}  // namespace

Suite linked_suite() noexcept { return run; }

std::optional<int> run_as_test_child(int argc, char** argv) {
  if (conformance::started_for_one_test() && argc == 2) {
    conformance::register_tests();
    return test::run_tests(argv[1]).failed == 0 ? 0 : 1;
  }
  if (std::getenv(child_mark) != nullptr) return test_child_main(argc, argv);
  started_as = argc > 0 ? argv[0] : "";
  return std::nullopt;
}

}  // namespace weir::daemon
