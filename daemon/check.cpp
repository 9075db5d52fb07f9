// The command `check`: every finding of every file, for each target.
#include <fmt/format.h>

#include <algorithm>

#include "config/load.hpp"
#include "config/text.hpp"
#include "core/base/path.hpp"
#include "daemon/commands.hpp"
#include "daemon/configuration.hpp"
#include "daemon/json.hpp"
#include "daemon/programs.hpp"
#include "daemon/routes_text.hpp"

namespace weir::daemon {
namespace {

std::string count_of(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// What was found out about one file.
struct Verdict {
  std::string file;
  std::shared_ptr<const proxy::Spec> spec;  // of the first target that takes it
  std::vector<config::Diagnostic> findings;
  std::vector<std::string> platforms;  // judged for, "windows/select"
  bool refused = false;
};

// The targets as given, in groups of one system; without any this host.
using Groups = std::vector<std::vector<config::Target>>;

std::expected<Groups, std::string> groups_of(const CheckCommand& command) {
  Groups groups;
  const config::Target host = host_target();
  for (const std::string& text : command.targets) {
    auto target = config::parse_target(text);
    if (!target) return std::unexpected(target.error());
    if (target->platform.os == host.platform.os) {
      target->workers = host.workers;
      target->descriptors = host.descriptors;
    }
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const std::vector<config::Target>& it) {
      return it.front().platform.os == target->platform.os;
    });
    if (group != groups.end()) {
      group->push_back(*target);
    } else {
      groups.push_back({*target});
    }
  }
  if (groups.empty()) groups.push_back({host});
  for (std::vector<config::Target>& group : groups) {
    for (config::Target& target : group) {
      if (command.descriptors) target.descriptors = *command.descriptors;
      target.descriptors_given = command.descriptors.has_value();
    }
  }
  return groups;
}

// Says of findings without a target which system they were made for.
void add_findings(std::vector<config::Diagnostic>& to, std::vector<config::Diagnostic> from, Os os) {
  for (config::Diagnostic& finding : from) {
    if (finding.target.empty()) finding.target = name_of(os);
    to.push_back(std::move(finding));
  }
}

Verdict judge_file(const std::string& file, const Groups& groups, bool this_host) {
  Verdict verdict;
  verdict.file = file;
  std::vector<std::string_view> systems;
  std::vector<config::Diagnostic> all;
  std::vector<Os> overridden;
  for (const std::vector<config::Target>& group : groups) {
    const Os os = group.front().platform.os;
    Configuration loaded = load_configuration(file, group, this_host);
    verdict.refused = verdict.refused || !loaded;
    if (!verdict.spec) verdict.spec = loaded.spec;
    for (const Platform& platform : loaded.platforms) verdict.platforms.push_back(platform_name(platform));
    systems.push_back(name_of(os));
    add_findings(all, std::move(loaded.diagnostics), os);
    if (this_host) add_findings(all, missing_programs(loaded.programs), os);
    overridden = std::move(loaded.systems);
  }
  if (this_host) {  // what is written for other systems is not judged for them, but it must be right
    for (const Os os : overridden) {
      if (os == groups.front().front().platform.os) continue;
      config::LoadResult loaded = config::load_file(path_of(file), os);
      verdict.refused = verdict.refused || !loaded;
      systems.push_back(name_of(os));
      add_findings(all, std::move(loaded.diagnostics), os);
    }
  }
  verdict.findings = config::merged(std::move(all));
  const std::string every_system = config::joined(systems);
  for (config::Diagnostic& finding : verdict.findings) {
    if (finding.target == every_system) finding.target.clear();
  }
  return verdict;
}

void print_text(const Verdict& verdict, const CheckCommand& command) {
  for (const config::Diagnostic& finding : verdict.findings) fmt::print(stderr, "{}", config::render(finding));
  if (verdict.refused) {
    if (!command.targets.empty()) fmt::print(stderr, "{}: refused\n", verdict.file);
    return;
  }
  const proxy::Spec& spec = *verdict.spec;
  fmt::print("{}: fine{}, {}, {}, {}{}\n", verdict.file,
             command.targets.empty() ? "" : fmt::format(" for {}", fmt::join(verdict.platforms, ", ")),
             count_of(spec.listeners.size(), "listener"), count_of(spec.routes.size(), "route"),
             count_of(spec.upstreams.size(), "upstream"),
             verdict.findings.empty() ? "" : ", " + count_of(verdict.findings.size(), "warning"));
  if (command.verbose) fmt::print("{}", routes_in_match_order(spec));
}

// "windows/iocp, windows/select" as an array.
std::string names_as_json(std::string_view joined) {
  std::string out = "[";
  while (!joined.empty()) {
    const std::size_t comma = std::min(joined.find(", "), joined.size());
    out.append(out.size() > 1 ? "," : "").append(json_quoted(joined.substr(0, comma)));
    joined.remove_prefix(std::min(comma + 2, joined.size()));
  }
  return out + "]";
}

std::string finding_as_json(const config::Diagnostic& finding) {
  return fmt::format(
      R"({{"severity":{},"file":{},"line":{},"column":{},"key":{},"rule":{},"platforms":{},"message":{},"hint":{}}})",
      json_quoted(finding.severity == config::Severity::error ? "error" : "warning"), json_quoted(finding.file),
      finding.line, finding.column, json_quoted(finding.key_path), json_quoted(finding.rule),
      names_as_json(finding.target), json_quoted(finding.message), json_quoted(finding.hint));
}

std::string verdict_as_json(const Verdict& verdict) {
  std::vector<std::string> platforms, findings;
  for (const std::string& platform : verdict.platforms) platforms.push_back(json_quoted(platform));
  for (const config::Diagnostic& finding : verdict.findings) findings.push_back(finding_as_json(finding));
  return fmt::format(R"({{"file":{},"refused":{},"platforms":[{}],"findings":[{}]}})", json_quoted(verdict.file),
                     verdict.refused, fmt::join(platforms, ","), fmt::join(findings, ","));
}

}  // namespace

int check(const CheckCommand& command) {
  std::vector<std::string> files = command.files;
  if (files.empty()) files.push_back(default_file());
  if (files.front().empty()) return no_file();
  const auto groups = groups_of(command);
  if (!groups) {
    fmt::print(stderr, "weir: --target: {}\nTry 'weir check --help'.\n", groups.error());
    return exit_usage;
  }
  int code = exit_ok;
  std::vector<std::string> objects;
  for (const std::string& file : files) {
    const Verdict verdict = judge_file(file, *groups, command.targets.empty());
    if (verdict.refused) code = exit_refused_configuration;
    if (command.form == TextForm::json) {
      objects.push_back(verdict_as_json(verdict));
    } else {
      print_text(verdict, command);
    }
  }
  if (command.form == TextForm::json) fmt::print("{{\"files\":[{}]}}\n", fmt::join(objects, ","));
  return code;
}

}  // namespace weir::daemon
