#include "daemon/cli.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <string_view>

#include "config/text.hpp"
#include "core/base/address.hpp"
#include "core/platform/program.hpp"

namespace weir::daemon {
namespace {

constexpr std::array<std::string_view, 13> commands = {"run",    "check", "proxy",  "platforms",   "selftest",
                                                       "status", "stop",  "drain",  "reload",      "reopen-logs",
                                                       "upgrade", "service", "version"};

std::string default_files() { return fmt::format("{}", fmt::join(platform::default_configuration_files(), ", then ")); }

std::string short_help() {
  return fmt::format(R"(weir, a reverse proxy

  weir proxy :8080 localhost:3000     proxy one address, no file needed
  weir check weir.yaml                look for mistakes in a configuration file
  weir check --target windows weir.yaml   would another system accept it?
  weir run weir.yaml                  serve it (without a file: {})
  weir status                         what a running weir is doing

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

void read_control(Overrides& overrides, const std::string& text) {
  const auto address = parse_address(text);
  const bool local = address && !address->has_port();
  if (text != "auto" && text != "off" && !local) {
    throw CLI::ValidationError("--control", fmt::format("'{}' is not auto, off or unix:/path", text));
  }
  overrides.control = text;
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
  command
      .add_option_function<std::string>(
          "--control", [&overrides](const std::string& text) { read_control(overrides, text); },
          "Where weir status, stop and the like reach it: auto, off or unix:/path; overrides the file (proxy: off)")
      ->type_name("WHERE");
}

void read_timeout(ControlCommand& command, const std::string& text) {
  const config::DurationResult read = config::parse_duration(text);
  if (read.verdict != config::Quantity::good || read.value <= Duration{}) {
    throw CLI::ValidationError("--timeout", fmt::format("'{}' is not a duration such as 30s", text));
  }
  command.timeout = read.value;
}

// Which weir is meant, and how its verdict is wanted.
std::vector<CLI::Option*> add_control(CLI::App& command, ControlCommand& values) {
  return {
      command.add_option("-c,--config", values.config, "The one that serves this file, if several are running")
          ->type_name("FILE"),
      command.add_option("--control", values.address, "The one whose control socket this is: unix:/run/weir/123.sock")
          ->type_name("ADDRESS"),
      command
          .add_option_function<std::string>(
              "--timeout", [&values](const std::string& text) { read_timeout(values, text); },
              "How long to wait for its verdict (default 60s)")
          ->type_name("DURATION"),
      command.add_flag_callback("--json", [&values] { values.form = TextForm::json; }, "Print its answer as JSON"),
  };
}

void add_process(CLI::App& command, SignalCommand& values, const std::vector<CLI::Option*>& by_control) {
  CLI::Option* pid = command.add_option("--pid", values.process,
                                        "Signal this process instead, without a verdict; its PID is as printed by "
                                        "--print-addresses and --ready-fd");
  for (CLI::Option* option : by_control) pid->excludes(option);
  pid->check(CLI::Range(1U, UINT32_MAX))
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
  ControlCommand control_values;  // of whichever of these commands it is
  ServiceCommand service_values;
  SelftestCommand selftest_values;
  VersionCommand version_values;
  ProxyCommand proxy_values;
  bool version_flag = false;
  CLI::App* run = app.add_subcommand("run", "Serve a configuration file in the foreground");
  CLI::App* check = app.add_subcommand("check", "Check configuration files and print every mistake; exit 78 if any");
  CLI::App* proxy = app.add_subcommand("proxy", "Proxy one address to one or several targets, without a file");
  CLI::App* platforms =
      app.add_subcommand("platforms", "Show what this build offers here, and what each system cannot do");
  CLI::App* status = app.add_subcommand("status", "Show what a running weir is doing");
  CLI::App* stop = app.add_subcommand("stop", "Ask a running weir to finish requests in flight and exit");
  CLI::App* drain = app.add_subcommand("drain", "Ask a running weir to accept no more, finish everything, then exit");
  CLI::App* reload = app.add_subcommand("reload", "Ask a running weir to take its configuration over from its file");
  CLI::App* upgrade = app.add_subcommand("upgrade", "Ask a running weir to hand over to a new process of its binary");
  CLI::App* reopen = app.add_subcommand("reopen-logs", "Ask a running weir to reopen its log files");
  CLI::App* service = app.add_subcommand("service", "Install, start, stop or look at weir as a Windows service");
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
    run->add_flag("--service", run_values.service,
                  "Be the Windows service that 'weir service install' made; has no effect when started by hand");

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
    check->add_flag_callback(
        "--json", [this] { check_values.form = TextForm::json; }, "Print the findings as JSON on standard output");

    platforms->add_flag_callback(
        "--json", [this] { platforms_values.form = TextForm::json; }, "Print JSON");
    platforms->add_flag_callback(
        "--markdown", [this] { platforms_values.form = TextForm::markdown; }, "Print docs/platforms.md");

    selftest->add_option("--backend", selftest_values.backend, "Only this backend (default: each one that works here)")
        ->type_name("NAME");
    selftest->add_flag_callback(
        "--json", [this] { selftest_values.form = TextForm::json; }, "Print the verdict as JSON");

    for (CLI::App* command : {status, drain, reload, upgrade}) add_control(*command, control_values);
    reload->add_flag("--plan", control_values.reload.plan_only,
                     "Say what it would keep, change, drain and cut, and do nothing; exit 3 if tunnels would be cut");
    reload->add_option("--max-cut", control_values.reload.max_cut, "Refuse, with exit 3, if more tunnels would be cut")
        ->type_name("N");
    add_process(*stop, stop_values, add_control(*stop, control_values));
    stop->add_flag("--now", stop_now, "Do not wait for requests in flight");
    add_process(*reopen, reopen_values, add_control(*reopen, control_values));
    add_service_verbs();

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
    proxy->add_flag("--x-forwarded,!--no-x-forwarded", proxy_values.forwarding.x_forwarded,
                    "Send X-Forwarded-For, -Proto and -Host (default yes)");
    proxy->add_flag("--forwarded,!--no-forwarded", proxy_values.forwarding.forwarded, "Send Forwarded, RFC 7239 (default yes)");
    proxy->add_flag("--via,!--no-via", proxy_values.forwarding.via, "Send Via to clients (default no)");
    proxy->add_flag("--via-upstream,!--no-via-upstream", proxy_values.forwarding.via_upstream,
                    "Send Via to targets (default no)");
    proxy->add_flag("--request-id,!--no-request-id", proxy_values.forwarding.request_id, "Send X-Request-ID (default yes)");
    proxy
        ->add_option("--trusted-proxies", proxy_values.trusted_proxies,
                     "Trust forwarding headers from these addresses: 10.0.0.0/8; separate several with commas")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("BLOCK");
    add_overrides(*proxy, proxy_values.overrides);
  }

  CLI::App* add_service_verb(const char* word, ServiceCommand::Verb verb, const char* what) {
    CLI::App* command = service->add_subcommand(word, what);
    command->add_option("--name", service_values.name, "The service's name (default weir)")->type_name("NAME");
    command->parse_complete_callback([this, verb] { service_values.verb = verb; });
    return command;
  }

  void add_service_verbs() {
    using Verb = ServiceCommand::Verb;
    service->require_subcommand(1);
    CLI::App* install = add_service_verb("install", Verb::install, "Install it; it starts with Windows");
    install->add_option("-c,--config", service_values.file, "Configuration file; default " + default_files())
        ->type_name("FILE");
    install
        ->add_option("--account", service_values.account,
                     "Run as LocalService, NetworkService or a managed service account, DOMAIN\\NAME$ (default: the "
                     "service's own account, NT SERVICE\\NAME)")
        ->type_name("ACCOUNT");
    add_service_verb("uninstall", Verb::uninstall, "Stop it and remove it");
    add_service_verb("start", Verb::start, "Start it and wait until it runs; exits as weir did if it does not");
    add_service_verb("stop", Verb::stop, "Stop it and wait for requests in flight");
    add_service_verb("status", Verb::status, "Show its state and process or exit code; exit 3 if it is not running");
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

// One of the commands that reach a running weir by its control socket; nothing: it is another.
std::optional<ControlCommand> controlled(const Grammar& grammar) {
  ControlCommand command = grammar.control_values;
  if (grammar.status->parsed()) return command;
  if (grammar.stop->parsed()) {
    command.request = grammar.stop_now ? Request::stop_now : Request::stop;
  } else if (grammar.drain->parsed()) {
    command.request = Request::drain;
  } else if (grammar.reload->parsed()) {
    command.request = Request::reload;
  } else if (grammar.reopen->parsed()) {
    command.request = Request::reopen_logs;
  } else if (grammar.upgrade->parsed()) {
    command.request = Request::upgrade;
  } else {
    return std::nullopt;
  }
  return command;
}

// Of the command that it was asked for with: "weir", "weir run", "weir service install".
std::string help_for(const CLI::App& app) {
  std::string before;
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) {
    before += (before.empty() ? "" : " ") + command->get_name();
    command = command->get_subcommands().front();
  }
  return command->help(before);
}

Command chosen(Grammar& grammar) {
  if (grammar.version->parsed()) return grammar.version_values;
  if (grammar.check->parsed()) return grammar.check_values;
  if (grammar.platforms->parsed()) return grammar.platforms_values;
  if (grammar.service->parsed()) return grammar.service_values;
  if (grammar.selftest->parsed()) return grammar.selftest_values;
  if (grammar.proxy->parsed()) return grammar.proxy_values;
  if (grammar.stop->parsed() && grammar.stop_values.process != 0) {
    grammar.stop_values.what = grammar.stop_now ? SignalCommand::What::stop_now : SignalCommand::What::stop;
    return grammar.stop_values;
  }
  if (grammar.reopen->parsed() && grammar.reopen_values.process != 0) {
    grammar.reopen_values.what = SignalCommand::What::reopen_logs;
    return grammar.reopen_values;
  }
  if (auto control = controlled(grammar)) return *control;
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
    return Message{help_for(grammar.app), exit_ok};
  } catch (const CLI::ParseError& error) { return wrong(error.what()); }
  return chosen(grammar);
}

}  // namespace weir::daemon
