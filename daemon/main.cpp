#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "daemon/commands.hpp"

namespace {

using namespace weir::daemon;

int perform(const Command& command) {
  if (const auto* it = std::get_if<RunCommand>(&command)) return run(*it);
  if (const auto* it = std::get_if<CheckCommand>(&command)) return check(*it);
  if (const auto* it = std::get_if<PlatformsCommand>(&command)) return platforms(*it);
  if (const auto* it = std::get_if<VersionCommand>(&command)) return version(*it);
  if (const auto* it = std::get_if<ProxyCommand>(&command)) return proxy(*it);
  return say(std::get<Message>(command));
}

}  // namespace

int main(int argc, char** argv) try {
  return perform(parse_command_line(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc)));
} catch (const std::exception& error) {
  std::fprintf(stderr, "weir: %s\n", error.what());
  return exit_failed_start;
}
