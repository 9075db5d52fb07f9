#include "daemon/cli.hpp"
#include "daemon/control/verbs.hpp"

#include <sstream>

#include "tests/support/catch.hpp"

using namespace weir::daemon;

namespace {

Command parse(const std::string& line) {
  std::istringstream words(line);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  return parse_command_line(arguments);
}

Message refused(const std::string& line) {
  const Command command = parse(line);
  INFO(line);
  REQUIRE(std::holds_alternative<Message>(command));
  const Message message = std::get<Message>(command);
  REQUIRE(message.exit_code == exit_usage);
  return message;
}

template <class T>
T accepted(const std::string& line) {
  const Command command = parse(line);
  INFO(line);
  if (const Message* message = std::get_if<Message>(&command)) FAIL(message->text);
  REQUIRE(std::holds_alternative<T>(command));
  return std::get<T>(command);
}

}  // namespace

TEST_CASE("without arguments the three most likely commands are shown") {
  const Command command = parse("");
  REQUIRE(std::holds_alternative<Message>(command));
  const Message message = std::get<Message>(command);
  CHECK(message.exit_code == exit_ok);
  CHECK(message.text.find("weir proxy :8080 localhost:3000") != std::string::npos);
  CHECK(message.text.find("weir check weir.yaml") != std::string::npos);
  CHECK(message.text.find("weir run weir.yaml") != std::string::npos);
}

TEST_CASE("help is not an error, for weir and for each command") {
  for (const char* line : {"--help", "-h", "help", "run --help", "check -h", "proxy --help", "version --help"}) {
    INFO(line);
    const Command command = parse(line);
    REQUIRE(std::holds_alternative<Message>(command));
    CHECK(std::get<Message>(command).exit_code == exit_ok);
    CHECK(std::get<Message>(command).text.find("Usage: weir") != std::string::npos);
  }
}

TEST_CASE("run takes its file as an option or as the first argument") {
  CHECK(accepted<RunCommand>("run").file.empty());
  CHECK(accepted<RunCommand>("run a.yaml").file == "a.yaml");
  CHECK(accepted<RunCommand>("run -c a.yaml").file == "a.yaml");
  CHECK(accepted<RunCommand>("run --config a.yaml").file == "a.yaml");
  CHECK(accepted<RunCommand>("run --config=a.yaml a.yaml").file == "a.yaml");
  CHECK(refused("run a.yaml -c b.yaml").text.find("two configuration files") != std::string::npos);
}

TEST_CASE("run takes overrides of the runtime section") {
  const RunCommand plain = accepted<RunCommand>("run a.yaml");
  CHECK_FALSE(plain.overrides.workers);
  CHECK(plain.overrides.backend.empty());
  CHECK_FALSE(plain.overrides.ready_fd);
  CHECK_FALSE(plain.overrides.print_addresses);

  const RunCommand full = accepted<RunCommand>("run a.yaml --workers 3 --backend poll --ready-fd 7 --print-addresses");
  CHECK(full.overrides.workers == 3U);
  CHECK(full.overrides.backend == "poll");
  CHECK(full.overrides.ready_fd == 7);
  CHECK(full.overrides.print_addresses);
}

TEST_CASE("check takes any number of files") {
  CHECK(accepted<CheckCommand>("check").files.empty());
  CHECK(accepted<CheckCommand>("check a.yaml b.yaml").files == std::vector<std::string>{"a.yaml", "b.yaml"});
  CHECK(accepted<CheckCommand>("check -c a.yaml").files == std::vector<std::string>{"a.yaml"});
  CHECK_FALSE(accepted<CheckCommand>("check a.yaml").verbose);
  CHECK(accepted<CheckCommand>("check -v a.yaml").verbose);
  CHECK(accepted<CheckCommand>("check a.yaml --verbose").verbose);
}

TEST_CASE("version is a command and a flag") {
  CHECK_FALSE(accepted<VersionCommand>("version").verbose);
  CHECK_FALSE(accepted<VersionCommand>("--version").verbose);
  CHECK(accepted<VersionCommand>("version -v").verbose);
}

TEST_CASE("another weir is asked by the number of its process") {
  CHECK(accepted<SignalCommand>("stop --pid 7").what == SignalCommand::What::stop);
  CHECK(accepted<SignalCommand>("stop --pid 7").process == 7);
  CHECK(accepted<SignalCommand>("stop --now --pid 7").what == SignalCommand::What::stop_now);
  CHECK(accepted<SignalCommand>("reopen-logs --pid 8").what == SignalCommand::What::reopen_logs);
  CHECK(accepted<SignalCommand>("reopen-logs --pid 8").process == 8);
}

TEST_CASE("every request has a command that reaches weir by its control socket") {
  for (const Verb& verb : verbs()) {
    INFO(verb.command);
    CHECK(accepted<ControlCommand>(std::string(verb.command)).request == verb.request);
  }
  CHECK_FALSE(accepted<ControlCommand>("status").request);
  const auto plain = accepted<ControlCommand>("reload");
  CHECK(plain.config.empty());
  CHECK(plain.address.empty());
  CHECK_FALSE(plain.timeout);
  CHECK(plain.form == TextForm::plain);
  const auto full = accepted<ControlCommand>("stop --now -c a.yaml --control unix:/run/a.sock --timeout 1m30s --json");
  CHECK(full.request == Request::stop_now);
  CHECK(full.config == "a.yaml");
  CHECK(full.address == "unix:/run/a.sock");
  CHECK(full.timeout == weir::Duration(std::chrono::seconds(90)));
  CHECK(full.form == TextForm::json);
}

TEST_CASE("where the control socket is can be said on the command line") {
  CHECK(accepted<RunCommand>("run a.yaml").overrides.control.empty());
  for (const char* where : {"auto", "off", "unix:/run/a.sock"}) {
    CHECK(accepted<RunCommand>(std::string("run a.yaml --control ") + where).overrides.control == where);
    CHECK(accepted<ProxyCommand>(std::string("proxy 8080 3000 --control ") + where).overrides.control == where);
  }
}

TEST_CASE("proxy takes one listener and several targets") {
  const ProxyCommand one = accepted<ProxyCommand>("proxy :8080 localhost:3000");
  CHECK(one.listen == ":8080");
  CHECK(one.targets == std::vector<std::string>{"localhost:3000"});
  CHECK(one.access_log == AccessLogChoice::terminal);
  CHECK(one.host.empty());

  const ProxyCommand many =
      accepted<ProxyCommand>("proxy --access-log json --host app.test 8080 3000 3001 --workers 2");
  CHECK(many.listen == "8080");
  CHECK(many.targets == std::vector<std::string>{"3000", "3001"});
  CHECK(many.access_log == AccessLogChoice::json);
  CHECK(many.host == "app.test");
  CHECK(many.overrides.workers == 2U);
  CHECK(accepted<ProxyCommand>("proxy 8080 3000 --access-log off").access_log == AccessLogChoice::off);
  CHECK(accepted<ProxyCommand>("proxy 8080 3000 --access-log combined").access_log == AccessLogChoice::combined);

  CHECK(one.forwarding.x_forwarded);
  CHECK_FALSE(one.forwarding.via);
  const ProxyCommand forwarding = accepted<ProxyCommand>(
      "proxy --no-x-forwarded --no-forwarded --no-request-id --via --trusted-proxies 10.0.0.0/8,::1 8080 3000");
  CHECK_FALSE(forwarding.forwarding.x_forwarded);
  CHECK_FALSE(forwarding.forwarding.forwarded);
  CHECK_FALSE(forwarding.forwarding.request_id);
  CHECK(forwarding.forwarding.via);
  CHECK(forwarding.trusted_proxies == std::vector<std::string>{"10.0.0.0/8", "::1"});
}

TEST_CASE("check takes targets with commas or again, and platforms a form") {
  const CheckCommand check =
      accepted<CheckCommand>("check --target linux,windows/select --target macos-10.8 a.yaml --descriptors 4096 --json");
  CHECK(check.targets == std::vector<std::string>{"linux", "windows/select", "macos-10.8"});
  CHECK(check.files == std::vector<std::string>{"a.yaml"});
  CHECK(check.descriptors == 4096U);
  CHECK(check.form == TextForm::json);
  CHECK(accepted<CheckCommand>("check a.yaml b.yaml").targets.empty());
  CHECK(accepted<PlatformsCommand>("platforms").form == TextForm::plain);
  CHECK(accepted<PlatformsCommand>("platforms --json").form == TextForm::json);
  CHECK(accepted<PlatformsCommand>("platforms --markdown").form == TextForm::markdown);
}

TEST_CASE("wrong usage names what is wrong and exits with 2") {
  struct Row {
    const char* line;
    const char* says;
  };
  const Row rows[] = {
      {"rnu", "did you mean 'run'"},
      {"chek a.yaml", "did you mean 'check'"},
      {"weir.yaml", "did you mean 'weir run weir.yaml'"},
      {"frobnicate", "there are run, check, proxy, platforms, selftest, status, stop, drain, reload, reopen-logs, upgrade, "
                     "service, version"},
      {"--frobnicate", "--frobnicate"},
      {"run --frobnicate", "--frobnicate"},
      {"run a.yaml b.yaml", "b.yaml"},
      {"run --workers", "--workers"},
      {"run --workers 0", "--workers"},
      {"run --workers 1025", "--workers"},
      {"run --workers many", "--workers"},
      {"run --ready-fd -1", "--ready-fd"},
      {"proxy", "LISTEN"},
      {"proxy :8080", "TARGET"},
      {"proxy :8080 3000 --access-log xml", "terminal, combined, json, off"},
      {"version now", "now"},
      {"check --target", "--target"},
      {"check --descriptors 3 a.yaml", "--descriptors"},
      {"stop --pid", "--pid"},
      {"stop --pid 7 --json", "--pid"},
      {"reload --timeout 5", "30s"},
      {"reload --timeout -1s", "duration"},
      {"status --pid 7", "--pid"},
      {"run a.yaml --control 127.0.0.1:80", "auto, off or unix:/path"},
      {"stop --pid 0", "--pid"},
      {"reopen-logs --pid x", "--pid"},
  };
  for (const Row& row : rows) {
    const Message message = refused(row.line);
    INFO(row.line << " -> " << message.text);
    CHECK(message.text.find(row.says) != std::string::npos);
    CHECK(message.text.starts_with("weir: "));
    CHECK(message.text.ends_with("Try 'weir --help'.\n"));
  }
}

TEST_CASE("service takes a verb, a name, and what it is installed with") {
  using Verb = ServiceCommand::Verb;
  CHECK(accepted<ServiceCommand>("service start").verb == Verb::start);
  CHECK(accepted<ServiceCommand>("service start").name == "weir");
  CHECK(accepted<ServiceCommand>("service stop --name shop").verb == Verb::stop);
  CHECK(accepted<ServiceCommand>("service stop --name shop").name == "shop");
  CHECK(accepted<ServiceCommand>("service status").verb == Verb::status);
  CHECK(accepted<ServiceCommand>("service uninstall").verb == Verb::uninstall);
  const ServiceCommand install = accepted<ServiceCommand>("service install -c a.yaml --account LocalService");
  CHECK(install.verb == Verb::install);
  CHECK(install.file == "a.yaml");
  CHECK(install.account == "LocalService");
  CHECK(accepted<ServiceCommand>("service install").account.empty());
  refused("service");
  refused("service nonsense");
  refused("service start --account LocalService");
}

TEST_CASE("help of a verb is that verb's") {
  const Message message = std::get<Message>(parse("service install --help"));
  CHECK(message.exit_code == exit_ok);
  CHECK(message.text.find("Usage: weir service install") != std::string::npos);
  CHECK(message.text.find("--account") != std::string::npos);
}

TEST_CASE("an installed service runs with a flag of its own") {
  CHECK_FALSE(accepted<RunCommand>("run a.yaml").service);
  const RunCommand run = accepted<RunCommand>("run --service -c a.yaml");
  CHECK(run.service);
  CHECK(run.file == "a.yaml");
}
