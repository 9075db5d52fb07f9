#include "daemon/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "config/load.hpp"
#include "core/backends/registry.hpp"
#include "core/base/path.hpp"
#include "core/platform/program.hpp"
#include "core/platform/signal_source.hpp"
#include "daemon/app.hpp"
#include "daemon/one_liner.hpp"
#include "daemon/routes_text.hpp"
#include "daemon/version.hpp"

namespace weir::daemon {
namespace {

void print_diagnostics(const std::vector<config::Diagnostic>& diagnostics) {
  for (const config::Diagnostic& diagnostic : diagnostics) fmt::print(stderr, "{}", config::render(diagnostic));
}

bool known_backend(const std::string& name) {
  const auto known = compiled_backends();
  return name == "auto" || std::any_of(known.begin(), known.end(), [&](const auto& it) { return it.name == name; });
}

std::string backend_names() {
  std::string names = "auto";
  for (const BackendInfo& backend : compiled_backends()) names.append(", ").append(backend.name);
  return names;
}

// What was asked for on the command line is wrong usage when this build does not have it.
bool usable(const Overrides& overrides) {
  if (overrides.backend.empty() || known_backend(overrides.backend)) return true;
  fmt::print(stderr, "weir: --backend: there is no backend \"{}\" in this build; there are: {}\n", overrides.backend,
             backend_names());
  return false;
}

// A file that was found and read, or nothing after the reasons were printed.
std::shared_ptr<proxy::Spec> load(const std::string& file, const Overrides* overrides, std::size_t& warnings) {
  config::LoadResult result = config::load_file(path_of(file));
  print_diagnostics(result.diagnostics);
  warnings += result ? result.diagnostics.size() : 0;
  if (!result) return nullptr;
  const std::string& backend = result.spec->runtime.backend;
  if ((overrides == nullptr || overrides->backend.empty()) && !known_backend(backend)) {
    fmt::print(stderr, "{}: error: there is no backend \"{}\" in this build\n  at runtime.backend\n  there are: {}\n",
               file, backend, backend_names());
    return nullptr;
  }
  return std::const_pointer_cast<proxy::Spec>(result.spec);  // nobody else holds it: load_file keeps nothing
}

std::string count_of(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

int no_file() {
  fmt::print(stderr,
             "weir: no configuration file: there is none of {}\n"
             "Name one ('weir run FILE'), or go without ('weir proxy :8080 localhost:3000').\n",
             fmt::join(platform::default_configuration_files(), ", "));
  return exit_usage;
}

}  // namespace

std::string default_file() {
  for (const std::string& candidate : platform::default_configuration_files()) {
    std::error_code ignored;
    if (std::filesystem::exists(path_of(candidate), ignored)) return candidate;
  }
  return {};
}

int run(const RunCommand& command) {
  if (!usable(command.overrides)) return exit_usage;
  const std::string file = command.file.empty() ? default_file() : command.file;
  if (file.empty()) return no_file();
  std::size_t warnings = 0;
  auto spec = load(file, &command.overrides, warnings);
  if (!spec) {
    fmt::print(stderr, "weir: {} was refused, nothing was started\n", file);
    return exit_refused_configuration;
  }
  return App(std::move(spec), command.overrides, HangUp::reloads).run();
}

int check(const CheckCommand& command) {
  std::vector<std::string> files = command.files;
  if (files.empty()) files.push_back(default_file());
  if (files.front().empty()) return no_file();
  int code = exit_ok;
  for (const std::string& file : files) {
    std::size_t warnings = 0;
    const auto spec = load(file, nullptr, warnings);
    if (!spec) {
      code = exit_refused_configuration;
      continue;
    }
    fmt::print("{}: fine, {}, {}, {}{}\n", file, count_of(spec->listeners.size(), "listener"),
               count_of(spec->routes.size(), "route"), count_of(spec->upstreams.size(), "upstream"),
               warnings == 0 ? "" : ", " + count_of(warnings, "warning"));
    if (command.verbose) fmt::print("{}", routes_in_match_order(*spec));
  }
  return code;
}

int version(const VersionCommand& command) {
  fmt::print("weir {}\n", version());
  if (command.verbose) fmt::print("{}", version_details());
  return exit_ok;
}

int proxy(const ProxyCommand& command) {
  if (!usable(command.overrides)) return exit_usage;
  auto spec = spec_of(command);
  if (!spec) {
    fmt::print(stderr, "weir: {}\nTry 'weir proxy --help'.\n", spec.error());
    return exit_usage;
  }
  return App(std::move(*spec), command.overrides, HangUp::ends).run();
}

int signal(const SignalCommand& command) {
  using What = SignalCommand::What;
  const auto what = command.what == What::stop       ? platform::Signal::terminate
                    : command.what == What::stop_now ? platform::Signal::quit
                                                     : platform::Signal::reopen_logs;
  const Error error = platform::send_signal(command.process, what);
  if (!error) return exit_ok;
  fmt::print(stderr, "weir: process {} cannot be asked: {}\n", command.process,
             error.code == Errc::not_found ? "there is no such process, or it is no weir" : describe(error));
  return exit_failed_start;
}

int say(const Message& message) {
  std::fwrite(message.text.data(), 1, message.text.size(), message.exit_code == exit_ok ? stdout : stderr);
  return message.exit_code;
}

}  // namespace weir::daemon
