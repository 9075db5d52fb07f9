// weir_test_service: a service that does nothing but keep its promises to the service control manager, and the commands
// of an administrator for it. Every notice of its life is a line in a file, so that a test reads what happened.
//
//   weir_test_service install NAME FILE [WORD...]      FILE: where the lines go; the words are those of `run`
//   weir_test_service uninstall|start|stop|status NAME
//   weir_test_service control NAME CODE                sends a control
//   weir_test_service report SOURCE NUMBER TEXT        writes an event
//   weir_test_service run FILE [exit=N] [before-ready=N] [linger]
//
// exit=N: the exit code after a stop; before-ready=N: it ends with N instead of starting; fail=N: it runs, and ends
// with N on "reload"; linger: its stop takes three reports.
#include <fmt/format.h>
#include <windows.h>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "core/platform/program.hpp"
#include "core/platform/windows/text.hpp"
#include "windows-service/install.hpp"
#include "windows-service/manager.hpp"
#include "windows-service/service.hpp"

using namespace weir::windows_service;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

std::string value_of(const Words& words, const std::string& name) {
  for (const std::string& word : words) {
    if (word == name) return "1";
    if (word.starts_with(name + "=")) return word.substr(name.size() + 1);
  }
  return {};
}

int number_of(const Words& words, const std::string& name) { return std::atoi(value_of(words, name).c_str()); }

void note(const std::string& file, std::string_view line) {
  std::ofstream(file, std::ios::app) << line << std::endl;  // at once
}

class Controls {
 public:
  void put(Control control) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(control);
    there_.notify_one();
  }
  Control take() {
    std::unique_lock lock(mutex_);
    there_.wait(lock, [this] { return !queue_.empty(); });
    const Control control = queue_.front();
    queue_.pop_front();
    return control;
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  std::deque<Control> queue_;
};

int serve(Service& service, const std::string& file, const Words& words) {
  note(file, "starting as " + service.name());
  if (const int code = number_of(words, "before-ready")) return code;
  Controls controls;
  service.on_control([&](Control control) { controls.put(control); });
  service.status().starting(10s);
  service.status().running();
  note(file, "running");
  for (;;) {
    const Control control = controls.take();
    note(file, name_of(control));
    if (control == Control::reload) {
      if (const int code = number_of(words, "fail")) return code;
    }
    if (ends_the_service(control)) break;
  }
  if (!value_of(words, "linger").empty()) {
    for (int i = 0; i < 3; ++i) service.status().extend(20s);
    note(file, fmt::format("checkpoint {}", service.status().last().checkpoint));
  }
  service.events().report(Event::stopped, "by request");
  note(file, "ending");
  return number_of(words, "exit");
}

int run(const Words& words) {
  const std::string file = words.at(0);
  const auto code = run_service([&](Service& service) { return serve(service, file, words); });
  if (code) return *code;
  note(file, "not a service");
  return 0;
}

int install_service(const Words& words) {
  Definition definition;
  definition.name = definition.display_name = words.at(0);
  definition.description = "A service of weir's tests";
  definition.program = own_program();
  definition.arguments = {"run"};
  definition.arguments.insert(definition.arguments.end(), words.begin() + 1, words.end());
  definition.account = *account_name("", definition.name);
  const auto installed = install(definition);
  if (!installed) {
    fmt::print("{}\n", installed.error().sentence);
    return 1;
  }
  for (const std::string& missing : *installed) fmt::print("missing: {}\n", missing);
  return 0;
}

int send_control(const std::string& name, DWORD code) {
  const auto service = open_service(name, SERVICE_ALL_ACCESS, "control");
  SERVICE_STATUS status{};
  if (service && ::ControlService(service->get(), code, &status)) return 0;
  fmt::print("error {}\n", ::GetLastError());
  return 1;
}

int show(const Outcome<void>& outcome) {
  if (outcome) return 0;
  fmt::print("{}\nexit code {}\n", outcome.error().sentence, outcome.error().exit_code);
  return 1;
}

int show(const Outcome<ServiceStatus>& outcome) {
  if (!outcome) return show(Outcome<void>(std::unexpected(outcome.error())));
  fmt::print("state {} process {:d} exit {} system {} checkpoint {}\n", static_cast<int>(outcome->report.state),
             outcome->process != 0, outcome->report.exit_code, outcome->system_code, outcome->report.checkpoint);
  return 0;
}

int perform(const std::string& verb, const Words& words) {
  if (verb == "run") return run(words);
  if (verb == "install") return install_service(words);
  if (verb == "uninstall") return show(uninstall(words.at(0)));
  if (verb == "start") return show(start(words.at(0)));
  if (verb == "stop") return show(stop(words.at(0)));
  if (verb == "status") return show(status(words.at(0)));
  if (verb == "control") return send_control(words.at(0), static_cast<DWORD>(std::stoul(words.at(1))));
  if (verb == "report") {
    EventLog(words.at(0)).report(static_cast<Event>(std::stoul(words.at(1))), words.at(2));
    return 0;
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) try {
  weir::platform::prepare_standard_streams();
  Words words = weir::platform::arguments(argc, argv);
  const std::string verb = words.at(0);
  words.erase(words.begin());
  return perform(verb, words);
} catch (const std::exception& error) {
  fmt::print("{}\n", error.what());
  return 2;
}
