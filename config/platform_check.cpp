#include "config/platform_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/text.hpp"

namespace weir::config {

namespace {

// Sockets and pipes a run has open beside what it was configured for: standard streams, logs, signals, and of each
// worker what its backend waits and is woken with.
constexpr std::uint64_t own_descriptors = 8;
constexpr std::uint64_t own_descriptors_of_worker = 3;

// `platform: { windows: { listeners: { web: { bind: ... } } } }` for listeners.web.bind. A list is replaced as a whole,
// so the path ends before its first index.
std::string override_example(Os os, std::string_view key_path) {
  std::string out = fmt::format("platform: {{ {}: {{ ", name_of(os));
  std::size_t depth = 2;
  std::string_view rest = key_path.substr(0, key_path.find('['));
  for (bool more = true; more;) {
    const std::size_t dot = rest.find('.');
    more = dot != std::string_view::npos;
    out += more ? fmt::format("{}: {{ ", rest.substr(0, dot)) : fmt::format("{}: ...", rest);
    depth += more ? 1 : 0;
    rest = more ? rest.substr(dot + 1) : rest;
  }
  for (; depth > 0; --depth) out += " }";
  return out;
}

// "15.6 ms": steps of clocks are whole in no unit.
std::string milliseconds(Duration value) {
  return fmt::format("{:g} ms", std::chrono::duration<double, std::milli>(value).count());
}

class Judge {
 public:
  Judge(const proxy::Spec& spec, const Demands& demands, const Target& target)
      : spec_(spec), demands_(demands), target_(target), platform_(effective_platform(spec, target)) {}

  std::vector<Diagnostic> run() {
    backend();
    for (const Demand& demand : demands_.features) feature(demand);
    clock();
    sockets();
    return std::move(findings_);
  }

 private:
  void report(Severity severity, const Diagnostic& place, RuleId rule, std::string message, std::string hint) {
    Diagnostic found = place;
    found.severity = severity;
    found.rule = restriction(rule)->id;
    found.target = platform_name(platform_);
    found.message = std::move(message);
    found.hint = std::move(hint);
    findings_.push_back(std::move(found));
  }

  std::string hint_for(RuleId rule, const Diagnostic& place) const {
    return fmt::format("{}.\n  For {} alone: {}", restriction(rule)->sentence, title_of(platform_.os),
                       override_example(platform_.os, place.key_path));
  }

  void backend() {
    if (!demands_.backend || target_.backend_given) return;
    const auto wanted = backend_named(spec_.runtime.backend);
    if (!wanted) return;
    Platform asked = platform_;
    asked.backend = *wanted;
    const Ruling ruled = ruling(asked, Feature::this_backend);
    if (ruled.allowed) return;
    report(Severity::error, *demands_.backend, ruled.rule,
           fmt::format("there is no backend \"{}\" on {}", spec_.runtime.backend, title_of(platform_.os)),
           fmt::format("{}; there: auto, {}.\n  For {} alone: {}", restriction(ruled.rule)->sentence,
                       backends_of(platform_.os), title_of(platform_.os),
                       override_example(platform_.os, demands_.backend->key_path)));
  }

  void feature(const Demand& demand) {
    const Ruling ruled = ruling(platform_, demand.feature);
    if (ruled.allowed) return;
    report(Severity::error, demand.place, ruled.rule, demand.what, hint_for(ruled.rule, demand.place));
  }

  void clock() {
    const PlatformLimits limits = platform_limits(platform_);
    if (limits.clock_rule == 0) return;
    for (const ShortWait& wait : demands_.waits) {
      if (wait.value >= limits.clock_resolution) continue;
      report(Severity::warning, wait.place, limits.clock_rule,
             fmt::format("{} is shorter than one clock step, {}: it may expire that much late",
                         duration_text(wait.value), milliseconds(limits.clock_resolution)),
             hint_for(limits.clock_rule, wait.place));
    }
  }

  struct Need {
    std::uint64_t listening = 0;  // sockets that listen: each address once for each worker
    std::uint64_t clients = 0;    // client connections that were promised
    std::uint64_t checks = 0;     // connections and pipes of health checks
    std::uint64_t idle = 0;       // upstream connections that were to be kept
    std::uint64_t own = 0;
    std::uint64_t per_client = 1;  // two, when a client may be proxied
    std::uint64_t firm() const noexcept { return listening + clients * per_client + checks + own; }
    std::string sum() const {
      std::string text = fmt::format("{} to listen", listening);
      if (clients != 0) {
        text += per_client == 2 ? fmt::format(", 2 x {} for clients and their upstream connections", clients)
                                : fmt::format(", {} for clients", clients);
      }
      if (checks != 0) text += fmt::format(", {} for health checks", checks);
      if (own != 0) text += fmt::format(", {} of weir's own", own);
      return text;
    }
  };

  Need need(bool descriptors) const {
    const std::uint64_t workers = spec_.runtime.workers != 0 ? spec_.runtime.workers : target_.workers;
    Need need;
    for (const proxy::ListenerSpec& listener : spec_.listeners) {
      need.listening += listener.bind_texts.size() * workers;
      need.clients += listener.max_connections;
    }
    if (!spec_.upstreams.empty()) need.per_client = 2;
    need.checks = proxy::sockets_of_checks(spec_);
    if (descriptors) need.checks += proxy::descriptors_of_scripts(spec_);
    need.idle = demands_.idle_connections * workers;
    if (descriptors) need.own = own_descriptors + own_descriptors_of_worker * (workers + 1);
    return need;
  }

  void sockets() {
    const PlatformLimits limits = platform_limits(platform_);
    const bool posix = limits.descriptor_rule != 0;
    if (limits.max_sockets_rule != 0)
      compare(limits.max_sockets, limits.max_sockets_rule, need(posix), Severity::error);
    if (posix && target_.descriptors != 0) {
      if (limits.max_sockets_rule != 0 && limits.max_sockets <= target_.descriptors) return;  // said already
      compare(target_.descriptors, limits.descriptor_rule, need(true),
              target_.descriptors_given ? Severity::error : Severity::warning);
    }
  }

  void compare(std::uint64_t most, RuleId rule, const Need& need, Severity severity) {
    const std::string_view noun = need.own != 0 ? "descriptors" : "sockets";
    if (need.firm() > most) {
      const bool clients = need.clients != 0 && demands_.connections;
      const auto& place = clients ? demands_.connections : demands_.first_bind;
      if (!place) return;
      const std::string message =
          clients ? fmt::format("{} client connections at a time may need {} {}, and there are {}", need.clients,
                                need.firm(), noun, most)
                  : fmt::format("the listeners{} need {} {}, and there are {}", need.checks != 0 ? " and health checks" : "",
                                need.firm(), noun, most);
      report(severity, *place, rule, message, fmt::format("{}.\n  {}", need.sum(), hint_for(rule, *place)));
    } else if (need.firm() + need.idle > most && demands_.idle_pool) {
      report(Severity::warning, *demands_.idle_pool, rule,
             fmt::format("{} idle upstream connections and {} other {} exceed {}: fewer will be kept",
                         need.idle, need.firm(), noun, most),
             hint_for(rule, *demands_.idle_pool));
    }
  }

  const proxy::Spec& spec_;
  const Demands& demands_;
  const Target& target_;
  const Platform platform_;
  std::vector<Diagnostic> findings_;
};

// "10.8" as 1008, "15" as 1500; nothing for anything else.
std::optional<std::uint16_t> parse_version(std::string_view text) {
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, major);
  if (error != std::errc{} || major == 0 || major > 600) return std::nullopt;
  if (at != end) {
    if (*at != '.') return std::nullopt;
    const auto [last, wrong] = std::from_chars(at + 1, end, minor);
    if (wrong != std::errc{} || last != end || minor > 99) return std::nullopt;
  }
  return static_cast<std::uint16_t>(major * 100 + minor);
}

std::string meant(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view nearest = closest(word, known);
  return nearest.empty() ? std::string{} : fmt::format("did you mean \"{}\"? ", nearest);
}

}  // namespace

Duration coarsest_clock() noexcept {
  Duration coarsest{};
  for (const Platform& platform : every_platform()) {
    coarsest = std::max(coarsest, platform_limits(platform).clock_resolution);
  }
  return coarsest;
}

std::expected<Target, std::string> parse_target(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view system = text.substr(0, slash);
  const std::size_t dash = system.find('-');
  const std::string_view name = system.substr(0, dash);
  Target target;
  const auto os = os_named(name);
  if (!os) {
    return std::unexpected(
        fmt::format("there is no target \"{}\": {}there are {}, with or without a backend: windows/select", text,
                    meant(name, os_names()), joined(os_names())));
  }
  target.platform.os = *os;
  if (dash != std::string_view::npos) {
    const auto version = parse_version(system.substr(dash + 1));
    if (!version || *os != Os::macos) {
      return std::unexpected(fmt::format(
          "\"{}\": a version is written like macos-10.8, and only macOS has rules that depend on it", system));
    }
    target.platform.version = *version;
  }
  target.platform.backend = preferred_backend(*os);
  if (slash == std::string_view::npos) return target;
  const std::string_view backend = text.substr(slash + 1);
  if (backend == "auto") return target;
  const auto kind = backend_named(backend);
  if (!kind) {
    return std::unexpected(fmt::format("there is no backend \"{}\": {}on {} there are {}", backend,
                                       meant(backend, backend_names()), title_of(*os), backends_of(*os)));
  }
  target.platform.backend = *kind;
  target.backend_given = true;
  if (const Ruling ruled = ruling(target.platform, Feature::this_backend); !ruled.allowed) {
    return std::unexpected(fmt::format("\"{}\": {}; on {} there are {}", text, restriction(ruled.rule)->sentence,
                                       title_of(*os), backends_of(*os)));
  }
  return target;
}

Platform effective_platform(const proxy::Spec& spec, const Target& target) {
  Platform platform = target.platform;
  if (target.backend_given) return platform;
  if (const auto configured = backend_named(spec.runtime.backend)) {
    platform.backend = *configured;
    if (exists(platform)) return platform;
  }
  platform.backend = target.platform.backend;
  return platform;
}

std::vector<Diagnostic> judge(const proxy::Spec& spec, const Demands& demands, const Target& target) {
  return Judge(spec, demands, target).run();
}

std::vector<Diagnostic> merged(std::vector<Diagnostic> findings) {
  std::vector<Diagnostic> out;
  for (Diagnostic& finding : findings) {
    const auto same = std::find_if(out.begin(), out.end(), [&](const Diagnostic& it) {
      return it.severity == finding.severity && it.file == finding.file && it.line == finding.line &&
             it.column == finding.column && it.rule == finding.rule && it.message == finding.message;
    });
    if (same == out.end()) {
      out.push_back(std::move(finding));
    } else if (!same->target.empty() && !finding.target.empty() &&
               same->target.find(finding.target) == std::string::npos) {
      same->target += ", " + finding.target;
    }
  }
  return out;
}

}  // namespace weir::config
