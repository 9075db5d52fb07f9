#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "core/platform/program.hpp"
#include "daemon/commands.hpp"
#include "daemon/control/client.hpp"
#include "daemon/service_command.hpp"

namespace {

using namespace weir::daemon;

int perform(const Command& command, const Start& start) {
  if (const auto* it = std::get_if<RunCommand>(&command)) return run(*it, start);
  if (const auto* it = std::get_if<CheckCommand>(&command)) return check(*it);
  if (const auto* it = std::get_if<PlatformsCommand>(&command)) return platforms(*it);
  if (const auto* it = std::get_if<SelftestCommand>(&command)) return selftest(*it, linked_suite());
  if (const auto* it = std::get_if<VersionCommand>(&command)) return version(*it);
  if (const auto* it = std::get_if<ProxyCommand>(&command)) return proxy(*it, start);
  if (const auto* it = std::get_if<SignalCommand>(&command)) return signal(*it);
  if (const auto* it = std::get_if<ControlCommand>(&command)) return control(*it);
  if (const auto* it = std::get_if<ServiceCommand>(&command)) return service(*it);
  return say(std::get<Message>(command));
}

bool is_service(const Command& command) {
  const auto* it = std::get_if<RunCommand>(&command);
  return it != nullptr && it->service;
}

}  // namespace

int main(int argc, char** argv) try {
  if (const auto code = run_as_test_child(argc, argv)) return *code;
  weir::platform::prepare_standard_streams();
  const Start start = take_start(argc, argv);
  const Command command = parse_command_line(weir::platform::arguments(argc, argv));
  if (is_service(command)) {
    if (const auto code = perform_as_service([&] { return perform(command, start); })) return *code;
  }
  return perform(command, start);
} catch (const std::exception& error) {
  std::fprintf(stderr, "weir: %s\n", error.what());
  return exit_failed_start;
}
