#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "core/platform/program.hpp"
#include "daemon/commands.hpp"

namespace {

using namespace weir::daemon;

int perform(const Command& command) {
  if (const auto* it = std::get_if<RunCommand>(&command)) return run(*it);
  if (const auto* it = std::get_if<CheckCommand>(&command)) return check(*it);
  if (const auto* it = std::get_if<PlatformsCommand>(&command)) return platforms(*it);
  if (const auto* it = std::get_if<SelftestCommand>(&command)) return selftest(*it, linked_suite());
  if (const auto* it = std::get_if<VersionCommand>(&command)) return version(*it);
  if (const auto* it = std::get_if<ProxyCommand>(&command)) return proxy(*it);
  if (const auto* it = std::get_if<SignalCommand>(&command)) return signal(*it);
  return say(std::get<Message>(command));
}

}  // namespace

int main(int argc, char** argv) try {
  if (const auto code = run_as_test_child(argc, argv)) return *code;
  weir::platform::prepare_standard_streams();
  return perform(parse_command_line(weir::platform::arguments(argc, argv)));
} catch (const std::exception& error) {
  std::fprintf(stderr, "weir: %s\n", error.what());
  return exit_failed_start;
}
