#include "daemon/cli.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string_view>

#include "core/platform/program.hpp"

namespace weir::daemon {
namespace {

constexpr std::array<std::string_view, 8> commands = {"run",      "check", "proxy",       "platforms",
                                                      "selftest", "stop",  "reopen-logs", "version"};

std::string default_files() { return fmt::format("{}", fmt::join(platform::default_configuration_files(), ", then ")); }

std::string short_help() {
  return fmt::format(R"(weir, a reverse proxy

  weir proxy :8080 localhost:3000     proxy one address, no file needed
  weir check weir.yaml                look for mistakes in a configuration file
  weir check --target windows weir.yaml   would another system accept it?
  weir run weir.yaml                  serve it (without a file: {})

More: weir --help, weir COMMAND --help, weir version -v
)",
                     default_files());
}

// Levenshtein distance; both words are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

Message wrong(std::string text) { return {fmt::format("weir: {}\nTry 'weir --help'.\n", text), exit_usage}; }

Message unknown_command(const std::string& word) {
  if (word.ends_with(".yaml") || word.ends_with(".yml")) {
    return wrong(fmt::format("'{}' is not a command: did you mean 'weir run {}'?", word, word));
  }
  const auto nearest = std::min_element(commands.begin(), commands.end(), [&](std::string_view a, std::string_view b) {
    return distance(word, a) < distance(word, b);
  });
  if (distance(word, *nearest) <= 2) {
    return wrong(fmt::format("'{}' is not a command: did you mean '{}'?", word, *nearest));
  }
  return wrong(fmt::format("'{}' is not a command: there are {}", word, fmt::join(commands, ", ")));
}

void add_overrides(CLI::App& command, Overrides& overrides) {
  command.add_option("--workers", overrides.workers, "Worker threads, 1 to 1024 (default: one per processor)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command.add_option("--backend", overrides.backend, "Event mechanism; overrides the file (weir platforms lists them)")
      ->type_name("NAME");
  command
      .add_option("--ready-fd", overrides.ready_fd,
                  "Write the addresses as one JSON line to this descriptor when ready")
      ->check(CLI::Range(0, 1 << 20))
      ->type_name("FD");
  command.add_flag("--print-addresses", overrides.print_addresses, "Write that JSON line to standard output");
}

void add_process(CLI::App& command, SignalCommand& values) {
  command.add_option("--pid", values.process, "Its PID, as printed by --print-addresses and --ready-fd")
      ->required()
      ->check(CLI::Range(1U, UINT32_MAX))
      ->type_name("N");
}

// The whole grammar. The values are filled by parse().
struct Grammar {
  CLI::App app{"weir, a reverse proxy", "weir"};
  RunCommand run_values;
  std::string run_positional;
  CheckCommand check_values;
  PlatformsCommand platforms_values;
  SignalCommand stop_values;
  bool stop_now = false;
  SignalCommand reopen_values;
  SelftestCommand selftest_values;
  VersionCommand version_values;
  ProxyCommand proxy_values;
  bool version_flag = false;
  CLI::App* run = app.add_subcommand("run", "Serve a configuration file in the foreground");
  CLI::App* check = app.add_subcommand("check", "Check configuration files and print every mistake; exit 78 if any");
  CLI::App* proxy = app.add_subcommand("proxy", "Proxy one address to one or several targets, without a file");
  CLI::App* platforms =
      app.add_subcommand("platforms", "Show what this build offers here, and what each system cannot do");
  CLI::App* stop = app.add_subcommand("stop", "Ask a running weir to finish requests in flight and exit");
  CLI::App* reopen = app.add_subcommand("reopen-logs", "Ask a running weir to reopen its log files");
  CLI::App* selftest =
      app.add_subcommand("selftest", "Run the conformance suite of this build on this machine; exit 1 if a test fails");
  CLI::App* version = app.add_subcommand("version", "Print the version");

  Grammar() {
    // On Windows, too, "/etc/weir.yaml" is the name of a file.
    app.allow_windows_style_options(false);
    for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      command->allow_windows_style_options(false);
    }
    app.require_subcommand(0, 1);
    app.add_flag("--version", version_flag, "Print the version");
    app.footer("Exit codes: 0 success, 1 failed to start, 2 usage error, 78 configuration rejected.");

    run->add_option("-c,--config", run_values.file, "Configuration file")->type_name("FILE");
    run->add_option("FILE", run_positional, "The same; default " + default_files())->type_name("");
    add_overrides(*run, run_values.overrides);

    check->add_option("-c,--config,FILE", check_values.files, "Files; default " + default_files())
        ->type_name("FILE");
    check->add_flag("-v,--verbose", check_values.verbose, "Print the effective routes in match order");
    check
        ->add_option("--target", check_values.targets,
                     "Check for linux, macos, macos-10.8, freebsd, openbsd, netbsd or windows, each with or without a "
                     "backend: windows/select; several with commas (default: this host)")
        ->delimiter(',')
        ->take_all()
        ->allow_extra_args(false)
        ->type_name("SYSTEM[/BACKEND]");
    check
        ->add_option("--descriptors", check_values.descriptors,
                     "Descriptors a process may open on the target (default: the limit here if it is this system, else "
                     "not checked)")
        ->check(CLI::Range(std::uint64_t{16}, std::uint64_t{1} << 30))
        ->type_name("N");
    check->add_flag("--json", check_values.json, "Print the findings as JSON on standard output");

    platforms->add_flag_callback(
        "--json", [this] { platforms_values.form = TextForm::json; }, "Print JSON");
    platforms->add_flag_callback(
        "--markdown", [this] { platforms_values.form = TextForm::markdown; }, "Print docs/platforms.md");

    selftest->add_option("--backend", selftest_values.backend, "Only this backend (default: each one that works here)")
        ->type_name("NAME");
    selftest->add_flag("--json", selftest_values.json, "Print the verdict as JSON");

    add_process(*stop, stop_values);
    stop->add_flag("--now", stop_now, "Do not wait for requests in flight");
    add_process(*reopen, reopen_values);

    version->add_flag("-v,--verbose", version_values.verbose, "Print compiler, build type, backends and libraries too");

    proxy->add_option("LISTEN", proxy_values.listen, "\"8080\" (localhost only), \":8080\" (every address), "
                                                     "\"127.0.0.1:8080\" or "
                      "\"unix:/path\"")
        ->required()
        ->type_name("");
    proxy
        ->add_option("TARGET", proxy_values.targets,
                     "\"localhost:3000\", \"3000\", \"http://10.0.0.1\" or \"unix:/path\"; several are used in turn")
        ->required()
        ->type_name("");
    proxy->add_option("--host", proxy_values.host, "Send this Host field instead of the client's")->type_name("NAME");
    proxy
        ->add_option_function<std::string>(
            "--access-log", [this](const std::string& word) { set_access_log(word); },
            "terminal, combined, json or off (default terminal)")
        ->type_name("FORMAT");
    proxy->add_flag("--x-forwarded,!--no-x-forwarded", proxy_values.x_forwarded,
                    "Send X-Forwarded-For, -Proto and -Host (default yes)");
    proxy->add_flag("--forwarded,!--no-forwarded", proxy_values.forwarded, "Send Forwarded, RFC 7239 (default yes)");
    proxy->add_flag("--via,!--no-via", proxy_values.via, "Send Via (default no)");
    proxy->add_flag("--request-id,!--no-request-id", proxy_values.request_id, "Send X-Request-ID (default yes)");
    proxy
        ->add_option("--trusted-proxies", proxy_values.trusted_proxies,
                     "Trust forwarding headers from these addresses: 10.0.0.0/8; separate several with commas")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("BLOCK");
    add_overrides(*proxy, proxy_values.overrides);
  }

  void set_access_log(const std::string& word) {
    if (word == "terminal") {
      proxy_values.access_log = AccessLogChoice::terminal;
    } else if (word == "combined") {
      proxy_values.access_log = AccessLogChoice::combined;
    } else if (word == "json") {
      proxy_values.access_log = AccessLogChoice::json;
    } else if (word == "off") {
      proxy_values.access_log = AccessLogChoice::off;
    } else {
      throw CLI::ValidationError("--access-log", fmt::format("'{}' is not one of terminal, combined, json, off", word));
    }
  }
};

Command chosen(Grammar& grammar) {
  if (grammar.version->parsed()) return grammar.version_values;
  if (grammar.check->parsed()) return grammar.check_values;
  if (grammar.platforms->parsed()) return grammar.platforms_values;
  if (grammar.selftest->parsed()) return grammar.selftest_values;
  if (grammar.proxy->parsed()) return grammar.proxy_values;
  if (grammar.stop->parsed()) {
    grammar.stop_values.what = grammar.stop_now ? SignalCommand::What::stop_now : SignalCommand::What::stop;
    return grammar.stop_values;
  }
  if (grammar.reopen->parsed()) {
    grammar.reopen_values.what = SignalCommand::What::reopen_logs;
    return grammar.reopen_values;
  }
  if (grammar.run->parsed()) {
    RunCommand& run = grammar.run_values;
    if (!run.file.empty() && !grammar.run_positional.empty() && run.file != grammar.run_positional) {
      return wrong(fmt::format("two configuration files, {} and {}: name one", run.file, grammar.run_positional));
    }
    if (run.file.empty()) run.file = grammar.run_positional;
    return run;
  }
  if (grammar.version_flag) return VersionCommand{};
  return Message{short_help(), exit_ok};
}

}  // namespace

Command parse_command_line(std::span<const std::string> arguments) {
  if (arguments.empty()) return Message{short_help(), exit_ok};
  if (const std::string& first = arguments.front(); !first.empty() && first.front() != '-') {
    if (first == "help") return Message{Grammar().app.help(), exit_ok};
    if (std::ranges::find(commands, first) == commands.end()) return unknown_command(first);
  }
  Grammar grammar;
  try {
    grammar.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 wants them reversed
  } catch (const CLI::CallForHelp&) {
    for (const CLI::App* command : grammar.app.get_subcommands()) return Message{command->help("weir"), exit_ok};
    return Message{grammar.app.help(), exit_ok};
  } catch (const CLI::ParseError& error) { return wrong(error.what()); }
  return chosen(grammar);
}

}  // namespace weir::daemon
