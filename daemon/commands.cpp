#include "daemon/commands.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "core/base/path.hpp"
#include "core/platform/program.hpp"
#include "core/platform/signal_source.hpp"
#include "daemon/app.hpp"
#include "daemon/configuration.hpp"
#include "daemon/one_liner.hpp"
#include "daemon/version.hpp"
#include "windows-service/service.hpp"

namespace weir::daemon {
namespace {

// What was asked for on the command line is wrong usage when this build does not have it.
bool usable(const Overrides& overrides) {
  const std::string wrong = wrong_backend(overrides.backend);
  if (wrong.empty()) return true;
  fmt::print(stderr, "weir: --backend: {}\n", wrong);
  return false;
}

// A service has no console: its administrator looks at the event log.
void report_refusal(const std::vector<config::Diagnostic>& diagnostics) {
  windows_service::Service* const service = windows_service::running_service();
  if (service == nullptr) return;
  std::string text;
  for (const config::Diagnostic& diagnostic : diagnostics) text += config::render(diagnostic);
  service->events().report(windows_service::Event::configuration_refused, text);
}

}  // namespace

std::string default_file() {
  for (const std::string& candidate : platform::default_configuration_files()) {
    std::error_code ignored;
    if (std::filesystem::exists(path_of(candidate), ignored)) return candidate;
  }
  return {};
}

int no_file() {
  fmt::print(stderr,
             "weir: no configuration file found: looked for {}\n"
             "Name one ('weir run FILE'), or do without one ('weir proxy :8080 localhost:3000').\n",
             fmt::join(platform::default_configuration_files(), ", "));
  return exit_usage;
}

int run(const RunCommand& command, const Start& start) {
  if (!usable(command.overrides)) return exit_usage;
  const std::string file = command.file.empty() ? default_file() : command.file;
  if (file.empty()) return no_file();
  Configuration loaded = load_configuration(file, {run_target(command.overrides.backend)}, true);
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) fmt::print(stderr, "{}", config::render(diagnostic));
  if (!loaded) {
    fmt::print(stderr, "weir: {} was rejected, nothing was started\n", file);
    report_refusal(loaded.diagnostics);
    return exit_refused_configuration;
  }
  return App(std::move(loaded.spec), command.overrides, file, start).run();
}

int version(const VersionCommand& command) {
  fmt::print("weir {}\n", version());
  if (command.verbose) fmt::print("{}", version_details());
  return exit_ok;
}

int proxy(const ProxyCommand& command, const Start& start) {
  if (!usable(command.overrides)) return exit_usage;
  auto spec = spec_of(command);
  if (!spec) {
    fmt::print(stderr, "weir: {}\nTry 'weir proxy --help'.\n", spec.error());
    return exit_usage;
  }
  return App(std::move(*spec), command.overrides, {}, start).run();
}

namespace {

// The other program, where the system tells of it. Names are compared, not files: the other weir may be older. The
// system may cut a name to 15 characters.
std::optional<std::string> other_program(std::uint32_t process) {
  constexpr std::size_t told = 15;
  const auto theirs = platform::program_of(process);
  const auto ours = platform::program_of(platform::process_id());
  if (!theirs || !ours || theirs->substr(0, told) == ours->substr(0, told)) return std::nullopt;
  return theirs;
}

}  // namespace

int signal(const SignalCommand& command) {
  using What = SignalCommand::What;
  const auto what = command.what == What::stop       ? platform::Signal::terminate
                    : command.what == What::stop_now ? platform::Signal::quit
                                                     : platform::Signal::reopen_logs;
  if (const auto other = other_program(command.process)) {
    fmt::print(stderr,
               "weir: process {} is not weir but {}: it was not signalled; 'pgrep weir' lists weir's processes\n",
               command.process, *other);
    return exit_failed_start;
  }
  const Error error = platform::send_signal(command.process, what);
  if (!error) return exit_ok;
  fmt::print(stderr, "weir: cannot signal process {}: {}\n", command.process,
             error.code == Errc::not_found ? "no such process, or it is not weir" : describe(error));
  return exit_failed_start;
}

int say(const Message& message) {
  std::fwrite(message.text.data(), 1, message.text.size(), message.exit_code == exit_ok ? stdout : stderr);
  return message.exit_code;
}

}  // namespace weir::daemon
