#include "daemon/platforms.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/backends/registry.hpp"
#include "daemon/commands.hpp"
#include "daemon/json.hpp"
#include "daemon/version.hpp"

namespace weir::daemon {
namespace {

using State = BackendReport::State;

std::string_view word_for(State state) {
  switch (state) {
    case State::works: return "works";
    case State::fails: return "fails";
    case State::left_out: return "left out";
    case State::elsewhere: return "not here";
  }
  return {};
}

// A backend of this system: creating it is the proof.
BackendReport tried(const BackendInfo& info, bool already_chosen) {
  BackendReport report;
  report.kind = info.kind;
  const auto made = info.make();
  if (!made) {
    report.state = State::fails;
    report.reason = fmt::format("skipped by auto: {}",
                                info.explain != nullptr ? info.explain(made.error()) : describe(made.error()));
    return report;
  }
  report.state = State::works;
  report.chosen = !already_chosen && !info.by_name_only;
  report.reason =
      report.chosen ? "selected by auto: the first in this order that works" : "available by name";
  return report;
}

std::vector<std::string_view> refused_features(const Platform& platform) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < feature_count; ++i) {
    const auto feature = static_cast<Feature>(i);
    if (!ruling(platform, feature).allowed) names.push_back(name_of(feature));
  }
  return names;
}

std::string milliseconds(Duration value) {
  return fmt::format("{:g}", std::chrono::duration<double, std::milli>(value).count());
}

std::string limits_text(const Platform& platform) {
  const PlatformLimits limits = platform_limits(platform);
  std::vector<std::string> parts;
  const std::string_view noun = limits.descriptor_rule != 0 ? "descriptors" : "sockets";
  if (limits.max_sockets != 0) parts.push_back(fmt::format("at most {} {}", limits.max_sockets, noun));
  if (limits.clock_rule != 0) parts.push_back(fmt::format("clock steps {} ms", milliseconds(limits.clock_resolution)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<std::string_view> ids_of(const std::vector<RuleId>& rules) {
  std::vector<std::string_view> ids;
  for (const RuleId rule : rules) ids.push_back(restriction(rule)->id);
  return ids;
}

// "windows/iocp, windows/select", with "every platform" and "every backend" where that is what it comes to.
std::string where(RuleId rule) {
  std::vector<std::string> places;
  std::size_t all = 0;
  for (auto at = every_platform().begin(); at != every_platform().end();) {
    const auto system_end = std::find_if(
        at, every_platform().end(), [&](const Platform& it) { return it.os != at->os || it.version != at->version; });
    std::vector<std::string> of_system;
    for (auto it = at; it != system_end; ++it) {
      const std::vector<RuleId> rules = rules_of(*it);
      if (std::ranges::find(rules, rule) != rules.end()) of_system.push_back(platform_name(*it));
    }
    all += of_system.size();
    if (static_cast<std::ptrdiff_t>(of_system.size()) == system_end - at) of_system = {system_name(*at)};
    places.insert(places.end(), of_system.begin(), of_system.end());
    at = system_end;
  }
  if (all == every_platform().size()) return "everywhere";
  if (!places.empty()) return fmt::format("{}", fmt::join(places, ", "));
  // A rule that says that a backend does not exist is met where it was asked for.
  for (const Os os : {Os::linux_os, Os::macos, Os::freebsd, Os::openbsd, Os::netbsd, Os::windows}) {
    for (std::size_t kind = 0; kind < backend_names().size(); ++kind) {
      const Platform platform{os, 0, static_cast<BackendKind>(kind)};
      if (ruling(platform, Feature::this_backend).rule == rule) places.push_back(platform_name(platform));
    }
  }
  return fmt::format("{}", fmt::join(places, ", "));
}

constexpr std::string_view introduction = R"(# Platforms

Generated from the restriction table in `core/reactor/restrictions.cpp` by `weir platforms --markdown`. The same table
decides what weir refuses at run time, what `weir check --target` reports, and what the tests check. Its rules are the
restrictions documented for CPython's asyncio ("Platform Support"), and those of the systems themselves.

- `weir platforms` shows this table, and what this build and this machine offer: which backends were compiled in, which
  of them work when they are created, which one `auto` selects, and why it skips the others.
- `weir check --target windows/select,macos weir.yaml` checks a file for other systems, on any host. If a target rejects
  it, weir exits with 78 and reports the place, the rule and the remedy; a mere deviation is a warning.
- `weir selftest` runs this build's conformance suite on this machine.
- Settings for one system go into the same file, under `platform`:

```yaml
listeners: { web: { bind: "unix:/run/weir.sock", upstream: app } }
upstreams: { app: ["127.0.0.1:3000"] }
platform: { windows: { listeners: { web: { bind: "127.0.0.1:8080" } } } }
```

Maps are merged key by key, a string or a list replaces the previous value, and a key without a value (`~`) removes it.

## Backends

In the order in which `runtime.backend: auto` tries them.

| system | backends |
|---|---|
)";

}  // namespace

std::vector<BackendReport> backend_reports() {
  std::vector<BackendReport> reports;
  bool chosen = false;
  for (const BackendInfo& info : compiled_backends()) {
    reports.push_back(tried(info, chosen));
    chosen = chosen || reports.back().chosen;
  }
  for (std::size_t i = 0; i < backend_names().size(); ++i) {
    const auto kind = static_cast<BackendKind>(i);
    if (std::ranges::any_of(reports, [&](const BackendReport& it) { return it.kind == kind; })) continue;
    const Ruling ruled = ruling({compiled_os(), 0, kind}, Feature::this_backend);
    BackendReport report;
    report.kind = kind;
    report.state = ruled.allowed ? State::left_out : State::elsewhere;
    report.reason = ruled.allowed ? "not compiled into this build" : std::string(restriction(ruled.rule)->sentence);
    reports.push_back(std::move(report));
  }
  return reports;
}

std::vector<RuleId> rules_of(const Platform& platform) {
  std::vector<RuleId> rules;
  for (std::size_t i = 0; i < feature_count; ++i) rules.push_back(ruling(platform, static_cast<Feature>(i)).rule);
  const PlatformLimits limits = platform_limits(platform);
  rules.insert(rules.end(), {limits.max_sockets_rule, limits.clock_rule, limits.descriptor_rule});
  std::ranges::sort(rules);
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
  std::erase(rules, RuleId{0});
  return rules;
}

std::string platforms_text() {
  std::string out =
      fmt::format("weir {} on {}, backends in order of preference:\n", version(), title_of(compiled_os()));
  for (const BackendReport& report : backend_reports()) {
    out += fmt::format("  {:<9} {:<9} {}\n", name_of(report.kind), word_for(report.state), report.reason);
  }
  out += "\nFeatures refused and limits set by each platform:\n";
  for (const Platform& platform : every_platform()) {
    const std::string limits = limits_text(platform);
    out += fmt::format("  {:<18} {}{}{}\n", platform_name(platform), fmt::join(refused_features(platform), ", "),
                       limits.empty() ? "" : "; ", limits);
  }
  out += "\nThe rules:\n";
  for (const Restriction& row : restrictions()) {
    out += fmt::format("  {}: {}\n    where: {}\n    source: {}\n", row.id, row.sentence, where(rule_named(row.id)),
                       row.source);
  }
  return out;
}

std::string platforms_json() {
  std::vector<std::string> backends, platforms, rules;
  for (const BackendReport& it : backend_reports()) {
    backends.push_back(fmt::format(R"({{"name":{},"compiled":{},"works":{},"chosen":{},"reason":{}}})",
                                   json_quoted(name_of(it.kind)), it.state == State::works || it.state == State::fails,
                                   it.state == State::works, it.chosen, json_quoted(it.reason)));
  }
  for (const Platform& platform : every_platform()) {
    const PlatformLimits limits = platform_limits(platform);
    std::vector<std::string> features;
    for (std::size_t i = 0; i < feature_count; ++i) {
      const auto feature = static_cast<Feature>(i);
      const Restriction* row = restriction(ruling(platform, feature).rule);
      features.push_back(fmt::format("{}:{}", json_quoted(name_of(feature)), row ? json_quoted(row->id) : "true"));
    }
    std::vector<std::string> ids;
    for (const std::string_view id : ids_of(rules_of(platform))) ids.push_back(json_quoted(id));
    platforms.push_back(fmt::format(
        R"({{"system":{},"backend":{},"features":{{{}}},"max_sockets":{},"clock_step_ms":{},"rules":[{}]}})",
        json_quoted(system_name(platform)), json_quoted(name_of(platform.backend)), fmt::join(features, ","),
        limits.max_sockets, limits.clock_rule == 0 ? "0" : milliseconds(limits.clock_resolution), fmt::join(ids, ",")));
  }
  for (const Restriction& row : restrictions()) {
    rules.push_back(fmt::format(R"({{"id":{},"sentence":{},"where":{},"source":{}}})", json_quoted(row.id),
                                json_quoted(row.sentence), json_quoted(where(rule_named(row.id))),
                                json_quoted(row.source)));
  }
  return fmt::format("{{\"version\":{},\"system\":{},\"backends\":[{}],\"platforms\":[{}],\"rules\":[{}]}}\n",
                     json_quoted(version()), json_quoted(name_of(compiled_os())), fmt::join(backends, ","),
                     fmt::join(platforms, ","), fmt::join(rules, ","));
}

std::string platforms_markdown() {
  std::string out(introduction);
  for (std::size_t os = 0; os < os_names().size(); ++os) {
    out += fmt::format("| {} | {} |\n", title_of(static_cast<Os>(os)), backends_of(static_cast<Os>(os)));
  }
  out += "\n## Features refused and limits set by each platform\n\n| platform | refused | limits |\n|---|---|---|\n";
  for (const Platform& platform : every_platform()) {
    out += fmt::format("| `{}` | {} | {} |\n", platform_name(platform), fmt::join(refused_features(platform), ", "),
                       limits_text(platform));
  }
  out += "\n## Rules\n\n| rule | what it says | where | source |\n|---|---|---|---|\n";
  for (const Restriction& row : restrictions()) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", row.id, row.sentence, where(rule_named(row.id)), row.source);
  }
  return out;
}

int platforms(const PlatformsCommand& command) {
  switch (command.form) {
    case TextForm::plain: fmt::print("{}", platforms_text()); break;
    case TextForm::json: fmt::print("{}", platforms_json()); break;
    case TextForm::markdown: fmt::print("{}", platforms_markdown()); break;
  }
  return exit_ok;
}

}  // namespace weir::daemon
