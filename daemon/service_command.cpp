#include "daemon/service_command.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "core/base/path.hpp"
#include "core/reactor/platforms.hpp"
#include "daemon/commands.hpp"
#include "daemon/configuration.hpp"
#include "windows-service/install.hpp"
#include "windows-service/service.hpp"

namespace weir::daemon {
namespace {

using Verb = ServiceCommand::Verb;
using windows_service::Failure;
using windows_service::State;

int wrong_usage(std::string_view sentence) {
  fmt::print(stderr, "weir: {}\nTry 'weir service --help'.\n", sentence);
  return exit_usage;
}

int failed(const Failure& failure) {
  fmt::print(stderr, "weir: {}\n", failure.sentence);
  return failure.exit_code != 0 ? failure.exit_code : exit_failed_start;
}

int said(const windows_service::Outcome<void>& outcome, std::string_view done) {
  if (!outcome) return failed(outcome.error());
  fmt::print("{}\n", done);
  return exit_ok;
}

// A service starts in a directory of the system's.
std::string absolute(const std::string& file) {
  std::error_code ignored;
  return text_of(std::filesystem::absolute(path_of(file), ignored).make_preferred());
}

int install(const ServiceCommand& command) {
  const auto account = windows_service::account_name(command.account, command.name);
  if (!account) return wrong_usage(account.error());
  const std::string named = command.file.empty() ? default_file() : command.file;
  if (named.empty()) return no_file();
  const std::string file = absolute(named);
  const Configuration loaded = load_configuration(file, {run_target({})}, true);
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) fmt::print(stderr, "{}", config::render(diagnostic));
  if (!loaded) {
    fmt::print(stderr, "weir: {} was rejected, nothing was installed\n", file);
    return exit_refused_configuration;
  }
  windows_service::Definition definition;
  definition.name = command.name;
  definition.display_name = command.name == "weir" ? "weir" : fmt::format("weir ({})", command.name);
  definition.description = fmt::format("Reverse proxy, configured by {}", file);
  definition.program = windows_service::own_program();
  definition.arguments = {"run", "--service", "-c", file};
  definition.account = *account;
  const auto installed = windows_service::install(definition);
  if (!installed) return failed(installed.error());
  for (const std::string& missing : *installed) fmt::print(stderr, "weir: warning: {}\n", missing);
  fmt::print(
      "service {} installed: it serves {} as {} and starts with Windows\n"
      "Start it now with 'weir service start'.\n",
      command.name, file, *account);
  return exit_ok;
}

std::string_view word_for(State state) noexcept {
  switch (state) {
    case State::start_pending: return "starting";
    case State::running: return "running";
    case State::stop_pending: return "stopping";
    case State::stopped: break;
  }
  return "stopped";
}

int status(const std::string& name) {
  const auto seen = windows_service::status(name);
  if (!seen) return failed(seen.error());
  const windows_service::StatusReport& report = seen->report;
  fmt::print("{}: {}", name, word_for(report.state));
  if (seen->process != 0) fmt::print(", process {}", seen->process);
  if (report.checkpoint != 0) fmt::print(", checkpoint {}", report.checkpoint);
  if (report.state == State::stopped) {
    if (seen->ended_because.empty()) {
      fmt::print(", exit code {}", report.exit_code);
    } else {
      fmt::print(": {}", seen->ended_because);
    }
  }
  fmt::print("\n");
  return report.state == State::stopped ? exit_not_running : exit_ok;
}

// Each verb, and the systems on which it exists.
struct Row {
  Verb verb;
  std::string_view word;
  bool (*exists_on)(Os os);
};
constexpr auto windows_only = [](Os os) { return os == Os::windows; };
constexpr std::array<Row, 5> verbs{{
    {Verb::install, "install", windows_only},
    {Verb::uninstall, "uninstall", windows_only},
    {Verb::start, "start", windows_only},
    {Verb::stop, "stop", windows_only},
    {Verb::status, "status", windows_only},
}};

const Row& row_of(Verb verb) noexcept { return verbs[static_cast<std::size_t>(verb)]; }

int not_here(Verb verb, Os os) {
  std::vector<std::string_view> here;
  for (const Row& row : verbs) {
    if (row.exists_on(os)) here.push_back(row.word);
  }
  fmt::print(stderr,
             "weir: 'weir service {}' manages a Windows service, and this is {}: use what the system has for services, "
             "such as systemctl, launchctl or service\n"
             "The verbs that exist here: {}.\n",
             row_of(verb).word, title_of(os), here.empty() ? "none" : fmt::format("{}", fmt::join(here, ", ")));
  return exit_usage;
}

}  // namespace

int service(const ServiceCommand& command) {
  const Os os = host_target().platform.os;
  if (!row_of(command.verb).exists_on(os)) return not_here(command.verb, os);
  if (const std::string wrong = windows_service::wrong_name(command.name); !wrong.empty()) return wrong_usage(wrong);
  const std::string& name = command.name;
  switch (command.verb) {
    case Verb::install: return install(command);
    case Verb::uninstall: return said(windows_service::uninstall(name), fmt::format("service {} uninstalled", name));
    case Verb::start: return said(windows_service::start(name), fmt::format("service {} is running", name));
    case Verb::stop: return said(windows_service::stop(name), fmt::format("service {} has stopped", name));
    case Verb::status: break;
  }
  return status(name);
}

std::optional<int> perform_as_service(const std::function<int()>& run) {
  return windows_service::run_service([&](windows_service::Service& service) {
    const int code = run();
    if (code == exit_ok) service.events().report(windows_service::Event::stopped, {});
    return code;
  });
}

}  // namespace weir::daemon
