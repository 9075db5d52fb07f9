#include "daemon/control/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "core/backends/registry.hpp"
#include "core/base/path.hpp"
#include "core/platform/run_directory.hpp"
#include "daemon/control/http_client.hpp"
#include "daemon/control/verbs.hpp"

namespace weir::daemon {
namespace {

using namespace std::chrono_literals;

// Whether a weir is there, and which: that takes no time, unless it hangs.
constexpr Duration status_timeout = 5s;
constexpr Duration usual_timeout = 60s;

// What another process says, for a terminal.
std::string visible(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(byte));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// The configuration file under the name that the running weir reports, however it was written on the command line.
std::string known_as(const std::string& file, const std::vector<Found>& running) {
  if (file.empty()) return {};
  std::error_code failed;
  for (const Found& one : running) {
    if (std::filesystem::equivalent(path_of(file), path_of(one.config), failed)) return one.config;
  }
  return text_of(std::filesystem::absolute(path_of(file)).lexically_normal());
}

bool is_gone(const Error& error) noexcept {
  return error.code == Errc::connection_refused || error.code == Errc::not_found;
}

std::string body_of(const ReloadOrder& order) {
  JsonObject body;
  if (order.plan_only) body.truth("plan", true);
  if (order.max_cut) body.number("max_cut", *order.max_cut);
  return body.end();
}

// One conversation with one or several weirs, on a reactor of its own.
class Client {
 public:
  Client(Reactor& reactor, const ControlCommand& command) : reactor_(reactor), command_(command) {}

  Task<void> run();
  int code() const noexcept { return code_; }

 private:
  Task<void> find();
  Task<void> look_at(Candidate candidate);
  Task<void> perform(std::string address);
  void show(const HttpReply& reply, const std::string& address);
  void fail(std::string text, int code = exit_failed_start) {
    if (!text.ends_with('\n')) text += '\n';
    fmt::print(stderr, "weir: {}", text);
    code_ = code;
  }

  Reactor& reactor_;
  const ControlCommand& command_;
  std::vector<Found> found_;
  std::size_t denied_ = 0;
  int code_ = exit_ok;
};

Task<void> Client::run() {
  std::string address = command_.address;
  if (address.empty()) {
    auto finding = find();
    co_await finding;
    const std::string config = known_as(command_.config, found_);
    const Choice choice = choose(found_, config, platform::run_directories(), denied_);
    if (choice.found == nullptr) {
      fail(choice.problem, choice.exit_code);
      co_return;
    }
    address = choice.found->candidate.address;
  }
  auto performing = perform(address);
  co_await performing;
}

Task<void> Client::find() {
  const std::vector<Candidate> candidates = find_candidates(platform::run_directories());
  for (const Candidate& candidate : candidates) {
    auto looking = look_at(candidate);
    co_await looking;
  }
}

Task<void> Client::look_at(Candidate candidate) {
  const auto address = parse_address(candidate.address);
  if (!address) co_return;
  HttpCall call;
  call.path = status_path;
  auto asking = ask(reactor_, *address, call, std::min(status_timeout, command_.timeout.value_or(usual_timeout)));
  const HttpReply reply = co_await asking;
  if (is_gone(reply.not_connected)) {
    forget(candidate);
    co_return;
  }
  if (reply.not_connected.code == Errc::permission_denied) {
    ++denied_;
    co_return;
  }
  Found found;
  found.candidate = candidate;
  const auto status = parse_json(reply.body);
  if (reply.status == 200 && status) {
    found.config = status->text_of("config");
  } else {
    found.silent = reply.not_connected ? describe(reply.not_connected) : reply.problem;
    if (found.silent.empty()) found.silent = fmt::format("status {}", reply.status);
  }
  found_.push_back(std::move(found));
}

Task<void> Client::perform(std::string address) {
  const auto where = parse_address(address);
  if (!where || where->has_port()) {
    fail(fmt::format("--control {}: write unix:/path, or \\\\.\\pipe\\name on Windows", address), exit_usage);
    co_return;
  }
  HttpCall call;
  call.path = status_path;
  if (command_.request) {
    const Verb& verb = verb_of(*command_.request);
    call.method = "POST";
    call.path = verb.path;
    call.body = verb.body;
    if (*command_.request == Request::reload) call.body = body_of(command_.reload);
  }
  auto asking = ask(reactor_, *where, call, command_.timeout.value_or(usual_timeout));
  const HttpReply reply = co_await asking;
  show(reply, address);
}

void Client::show(const HttpReply& reply, const std::string& address) {
  if (reply.not_connected) {
    return fail(is_gone(reply.not_connected)
                    ? fmt::format("no weir listens on {}", address)
                    : fmt::format("cannot reach weir on {}: {}", address, describe(reply.not_connected)));
  }
  if (reply.status == 0) return fail(fmt::format("weir on {} gave no verdict: {}", address, reply.problem));
  const auto answer = parse_json(reply.body);
  if (!answer || answer->kind != JsonValue::Kind::object) {
    return fail(fmt::format("what answers on {} is not weir: its answer is not a JSON object", address));
  }
  if (command_.form == TextForm::json) fmt::print("{}", reply.body);
  if (answer->truth_of("ok")) {
    code_ = static_cast<int>(answer->number_of("exit_code"));
    if (command_.form == TextForm::plain) fmt::print("{}", command_.request ? verdict_text(*answer) : status_table(*answer));
    return;
  }
  const auto code = static_cast<int>(answer->number_of("exit_code"));
  code_ = code != 0 ? code : exit_failed_start;
  if (command_.form == TextForm::plain) fail(verdict_text(*answer), code_);
}

std::string seen_from(const Found& found) {
  std::string text = fmt::format("  pid {}  {}  {}", found.candidate.process,
                                 found.config.empty() ? "(no file)" : visible(found.config), found.candidate.address);
  if (!found.silent.empty()) text += fmt::format("  ({})", found.silent);
  return text + "\n";
}

std::string list_of(const std::vector<Found>& running) {
  std::string text;
  for (const Found& one : running) text += seen_from(one);
  return text;
}

Task<void> run_client(Client& client) {
  auto running = client.run();
  co_await running;
}

}  // namespace

Choice choose(const std::vector<Found>& running, const std::string& config, const std::vector<std::string>& looked_in,
              std::size_t denied) {
  Choice choice;
  choice.exit_code = exit_failed_start;
  if (running.empty()) {
    choice.problem =
        fmt::format("no weir is running that this user may control: looked in {}", fmt::join(looked_in, ", "));
    if (denied == 1) choice.problem += "; 1 belongs to another user";
    if (denied > 1) choice.problem += fmt::format("; {} belong to other users", denied);
    return choice;
  }
  std::vector<const Found*> fitting;
  for (const Found& one : running) {
    if (config.empty() || one.config == config) fitting.push_back(&one);
  }
  if (fitting.size() == 1) {
    choice.found = fitting.front();
    choice.exit_code = exit_ok;
  } else if (fitting.empty()) {
    choice.problem = fmt::format("no weir is running with {}; there {}:\n{}", config,
                                 running.size() == 1 ? "is" : "are", list_of(running));
  } else {
    choice.exit_code = exit_usage;
    choice.problem =
        fmt::format("{} weirs are running{}; choose one with {}--control ADDRESS:\n{}", fitting.size(),
                    config.empty() ? "" : " with " + config, config.empty() ? "-c FILE or " : "", list_of(running));
  }
  return choice;
}

std::string status_table(const JsonValue& status) {
  std::string out =
      fmt::format("weir {}, pid {}, {}, started {}\n", visible(status.text_of("version")), status.number_of("pid"),
                  visible(status.text_of("state")), visible(status.text_of("since")));
  const auto row = [&out](std::string_view name, std::string_view value) {
    out += fmt::format("{:<14}{}\n", name, visible(value));
  };
  const std::string config = status.text_of("config");
  row("configuration", config.empty() ? "none" : config);
  if (const JsonValue* listeners = status.find("listeners")) {
    for (const JsonValue& listener : listeners->items) {
      std::vector<std::string> addresses;
      const JsonValue* list = listener.find("addresses");
      for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) addresses.push_back(list->items[i].text);
      row("listener", fmt::format("{}: {}", listener.text_of("name"), fmt::join(addresses, ", ")));
    }
  }
  row("workers", fmt::format("{}, {}", status.number_of("workers"), status.text_of("backend")));
  row("connections",
      fmt::format("{} of at most {}", status.number_of("connections"), status.number_of("max_connections")));
  if (const JsonValue* counters = status.find("counters")) {
    row("requests",
        fmt::format("{} on {} connections", counters->number_of("requests"), counters->number_of("accepted")));
  }
  const JsonValue* reload = status.find("last_reload");
  if (reload == nullptr || reload->kind != JsonValue::Kind::object) {
    row("last reload", "none");
  } else {
    const std::string error = reload->text_of("error");
    row("last reload", fmt::format("{}, {}{}{}", reload->text_of("time"), reload->text_of("result"),
                                   error.empty() ? "" : ": ", error));
  }
  return out;
}

std::string verdict_text(const JsonValue& verdict) {
  std::string out = visible(verdict.text_of(verdict.truth_of("ok") ? "message" : "error")) + "\n";
  if (const JsonValue* details = verdict.find("details")) {
    for (const JsonValue& line : details->items) out += visible(line.text) + "\n";
  }
  return out;
}

int control(const ControlCommand& command) {
  auto backend = make_backend("auto");
  if (!backend) {
    fmt::print(stderr, "weir: {}\n", backend.error());
    return exit_failed_start;
  }
  Reactor reactor(std::move(*backend));
  Client client(reactor, command);
  reactor.run(run_client(client));
  return client.code();
}

}  // namespace weir::daemon
