#pragma once
// The command line as plain values. Parsing only: nothing is opened, read or printed here. Runs once, on the main
// thread, before anything else.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/base/time.hpp"
#include "core/proxy/spec.hpp"
#include "daemon/lifecycle.hpp"
#include "daemon/reload_plan.hpp"

namespace weir::daemon {

// Exit codes of every command.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed_start = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_would_cut = 3;               // a reload would cut more streams than are allowed
inline constexpr int exit_refused_configuration = 78;  // EX_CONFIG: restarting does not help

enum class AccessLogChoice : std::uint8_t { off, terminal, combined, json };

// What `run` and `proxy` share; each beats the configuration file.
struct Overrides {
  std::optional<std::uint32_t> workers;
  std::string backend;           // empty: as configured
  std::optional<int> ready_fd;   // gets the addresses as one JSON line when everything listens, then is closed
  bool print_addresses = false;  // the same line on standard output
  std::string control;           // of --control, as runtime.control; empty: as configured
};

struct RunCommand {
  std::string file;  // empty: the default files
  Overrides overrides;
  bool service = false;  // the process is that of an installed Windows service
};

enum class TextForm : std::uint8_t { plain, json, markdown };

struct CheckCommand {
  std::vector<std::string> files;            // empty: the default files
  std::vector<std::string> targets;          // "windows/select", ...; empty: this host
  std::optional<std::uint64_t> descriptors;  // what a process on the targets may have open
  bool verbose = false;
  TextForm form = TextForm::plain;  // or json
};

struct PlatformsCommand {
  TextForm form = TextForm::plain;
};

struct SelftestCommand {
  std::string backend;  // empty: each that this build offers
  TextForm form = TextForm::plain;  // or json
};

struct VersionCommand {
  bool verbose = false;
};

// What `weir proxy` sends unless told otherwise.
inline proxy::Forwarding without_via() {
  proxy::Forwarding usual;
  usual.via = false;
  return usual;
}

struct ProxyCommand {
  std::string listen;
  std::vector<std::string> targets;
  std::string host;  // replaces the Host field; empty: the client's is kept
  AccessLogChoice access_log = AccessLogChoice::terminal;
  proxy::Forwarding forwarding = without_via();  // but for its trusted_proxies, which are still text
  std::vector<std::string> trusted_proxies;
  Overrides overrides;
};

// What another weir is asked for; the equivalents of signals on every system.
struct SignalCommand {
  enum class What : std::uint8_t { stop, stop_now, reopen_logs };
  What what = What::stop;
  std::uint32_t process = 0;
};

// What a running weir is asked for by its control socket.
struct ControlCommand {
  std::optional<Request> request;   // nothing: its status
  std::string config;               // the one that serves this file; empty: any
  std::string address;              // the one whose socket is there: "unix:/run/weir/123.sock"; empty: it is looked for
  std::optional<Duration> timeout;  // until its verdict; nothing: a minute
  TextForm form = TextForm::plain;  // or json: the answer as it came
  ReloadOrder reload;               // of a reload
};

// weir as a service of the system.
struct ServiceCommand {
  enum class Verb : std::uint8_t { install, uninstall, start, stop, status };
  Verb verb = Verb::status;
  std::string name = "weir";
  // Of `install`.
  std::string file;     // empty: the default files
  std::string account;  // empty: the service's virtual account
};

// Help that was asked for (exit_ok, standard output), or what is wrong with the command line (exit_usage, stderr).
struct Message {
  std::string text;
  int exit_code = exit_ok;
};

using Command = std::variant<Message, RunCommand, CheckCommand, PlatformsCommand, SelftestCommand, VersionCommand,
                             ProxyCommand, SignalCommand, ControlCommand, ServiceCommand>;

// `arguments` without the program's name.
Command parse_command_line(std::span<const std::string> arguments);

}  // namespace weir::daemon
