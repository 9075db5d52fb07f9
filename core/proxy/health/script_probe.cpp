// The check `script`: a program of the operator's ends with code 0.
#include <fmt/format.h>

#include "core/proxy/health/probe.hpp"
#include "core/reactor/run_child.hpp"

namespace weir::proxy {
namespace {

// For one line of a log.
std::string line_of(std::string_view output, bool is_cut) {
  std::string line(output);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  line.erase(line.find_last_not_of(' ') + 1);
  if (is_cut) line += "...";
  return line;
}

std::string ip_of(const Address& address) {
  if (address.family == Family::unix_path) return std::string(address.path);
  if (address.family == Family::named_pipe) return to_string(address);
  char text[max_ip_text];
  return {text, write_ip(address, text)};
}

Probe judge(const RunResult& run, Duration timeout) {
  Probe probe;
  probe.output = line_of(run.output, run.dropped > 0);
  if (run.end == RunEnd::timed_out) {
    probe.reason = too_late("end", timeout) + ": killed";
  } else if (run.end == RunEnd::not_started) {
    probe.verdict = is_local_exhaustion(run.error) ? Probe::Verdict::not_made : Probe::Verdict::failed;
    probe.reason = "cannot be started: " + describe(run.error);
  } else if (run.end == RunEnd::cancelled || run.error) {
    probe.verdict = Probe::Verdict::not_made;
    probe.reason = describe(run.error ? run.error : Error(Errc::cancelled));
  } else if (run.status.signal != 0) {
    probe.reason = fmt::format("ended by signal {}", run.status.signal);
  } else {
    if (run.succeeded()) probe.verdict = Probe::Verdict::passed;
    probe.reason = fmt::format("exit code {}", run.status.code);
  }
  return probe;
}

}  // namespace

std::vector<EnvironmentVariable> script_environment(const ProbeTarget& target) {
  const std::vector<Address>& addresses = target.addresses;
  std::string all;
  for (const Address& address : addresses) all += (all.empty() ? "" : " ") + to_string(address);
  const bool has_port = !addresses.empty() && addresses.front().has_port();
  return {
      {"WEIR_UPSTREAM", target.upstream.name},
      {"WEIR_ENDPOINT", target.endpoint.text},
      {"WEIR_ADDRESS", addresses.empty() ? std::string{} : ip_of(addresses.front())},
      {"WEIR_PORT", has_port ? fmt::format("{}", addresses.front().port) : std::string{}},
      {"WEIR_ADDRESSES", all},
      {"WEIR_STATE", target.was_up ? "up" : "down"},
  };
}

Task<Probe> probe_script(Reactor& reactor, const ProbeTarget& target, CancelToken token) {
  const HealthCheckSpec& check = *target.upstream.health_check;
  RunSpec spec;
  spec.argv = check.script;
  spec.environment = script_environment(target);
  spec.timeout = check.timeout;
  spec.max_output = kept_output;
  auto running = run_child(reactor, spec, token);
  const RunResult run = co_await running;
  co_return judge(run, check.timeout);
}

}  // namespace weir::proxy
