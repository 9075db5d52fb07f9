#include "daemon/reload_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "daemon/json.hpp"

namespace weir::daemon {
namespace {

constexpr std::size_t most_named = 20;  // routes

using Names = std::vector<std::string>;

// What is in `these` and not in `those`.
Names only_in(const Names& these, const Names& those) {
  Names found;
  for (const std::string& one : these)
    if (std::find(those.begin(), those.end(), one) == those.end()) found.push_back(one);
  return found;
}

template <class Named>
const Named* find_named(const std::vector<Named>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

ReloadPlan::Listener listener_plan(const proxy::CompiledListener& now, const proxy::Spec& next) {
  ReloadPlan::Listener plan;
  plan.name = now.spec->name;
  plan.connections = now.state->connections.load(std::memory_order_relaxed);
  plan.tunnels = now.state->tunnels.load(std::memory_order_relaxed);
  const proxy::ListenerSpec* after = find_named(next.listeners, plan.name);
  if (after == nullptr) {
    plan.fate = Fate::removed;
    plan.closed = now.spec->bind_texts;
    return plan;
  }
  plan.fate = *after == *now.spec ? Fate::kept : Fate::changed;
  plan.opened = only_in(after->bind_texts, now.spec->bind_texts);
  plan.closed = only_in(now.spec->bind_texts, after->bind_texts);
  return plan;
}

void plan_listeners(ReloadPlan& plan, const proxy::Snapshot& now, const proxy::Spec& next) {
  for (const proxy::CompiledListener& listener : now.listeners) plan.listeners.push_back(listener_plan(listener, next));
  for (const proxy::ListenerSpec& listener : next.listeners) {
    if (find_named(now.spec->listeners, listener.name) != nullptr) continue;
    ReloadPlan::Listener& added = plan.listeners.emplace_back();
    added.name = listener.name;
    added.fate = Fate::added;
    added.opened = listener.bind_texts;
  }
}

Names endpoints_of(const proxy::UpstreamSpec& upstream) {
  Names names;
  for (const proxy::EndpointSpec& endpoint : upstream.endpoints) names.push_back(endpoint.text);
  return names;
}

void plan_upstreams(ReloadPlan& plan, const proxy::Spec& now, const proxy::Spec& next) {
  std::unordered_map<std::string_view, const proxy::UpstreamSpec*> before, after;
  for (const proxy::UpstreamSpec& upstream : now.upstreams) before.emplace(upstream.name, &upstream);
  for (const proxy::UpstreamSpec& upstream : next.upstreams) after.emplace(upstream.name, &upstream);
  for (const proxy::UpstreamSpec& upstream : now.upstreams) {
    const auto found = after.find(upstream.name);
    if (found == after.end()) {
      plan.upstreams.push_back({upstream.name, Fate::removed, {}, endpoints_of(upstream)});
      continue;
    }
    const Names had = endpoints_of(upstream), has = endpoints_of(*found->second);
    const Fate fate = *found->second == upstream ? Fate::kept : Fate::changed;
    plan.upstreams.push_back({upstream.name, fate, only_in(has, had), only_in(had, has)});
  }
  for (const proxy::UpstreamSpec& upstream : next.upstreams)
    if (!before.contains(upstream.name)) plan.upstreams.push_back({upstream.name, Fate::added, endpoints_of(upstream), {}});
}

// The conditions of a route, without its name and action: they identify it.
std::string conditions_of(const proxy::RouteSpec& route) {
  std::string text = route.hosts.empty() ? "*" : fmt::format("{}", fmt::join(route.hosts, ","));
  text += ' ' + route.path;
  if (route.path_match == proxy::PathMatch::exact) text += " (exact)";
  if (!route.methods.empty()) text += fmt::format(" {}", fmt::join(route.methods, ","));
  for (const proxy::HeaderMatch& header : route.headers)
    text += fmt::format(" {}{}", header.name, header.value ? "=" + *header.value : "");
  if (!route.listeners.empty()) text += fmt::format(" on {}", fmt::join(route.listeners, ","));
  return text;
}

// "route 3" is a place in the file, not a name.
bool is_same(const proxy::RouteSpec& one, const proxy::RouteSpec& other) {
  if (one.name == other.name || !one.name.starts_with("route ") || !other.name.starts_with("route ")) return one == other;
  proxy::RouteSpec renamed = one;
  renamed.name = other.name;
  return renamed == other;
}

void note_route(ReloadPlan::Routes& routes, Fate fate, const std::string& conditions) {
  std::size_t& count = fate == Fate::kept      ? routes.kept
                       : fate == Fate::changed ? routes.changed
                       : fate == Fate::added   ? routes.added
                                               : routes.removed;
  ++count;
  if (fate != Fate::kept && routes.named.size() < most_named)
    routes.named.push_back(fmt::format("{}: {}", name_of(fate), conditions));
}

void plan_routes(ReloadPlan& plan, const proxy::Spec& now, const proxy::Spec& next) {
  std::unordered_multimap<std::string, const proxy::RouteSpec*> before;
  for (const proxy::RouteSpec& route : now.routes) before.emplace(conditions_of(route), &route);
  for (const proxy::RouteSpec& route : next.routes) {
    const std::string conditions = conditions_of(route);
    const auto found = before.find(conditions);
    if (found == before.end()) {
      note_route(plan.routes, Fate::added, conditions);
      continue;
    }
    note_route(plan.routes, is_same(*found->second, route) ? Fate::kept : Fate::changed, conditions);
    before.erase(found);
  }
  for (const auto& [conditions, route] : before) note_route(plan.routes, Fate::removed, conditions);
}

std::string joined(std::string_view what, const Names& names) {
  return names.empty() ? std::string() : fmt::format(", {} {}", what, fmt::join(names, " "));
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string line_of(const ReloadPlan::Listener& listener) {
  std::string line = fmt::format("listener {}: {}{}{}", listener.name, name_of(listener.fate),
                                 joined("opens", listener.opened), joined("closes", listener.closed));
  if (listener.fate == Fate::added) return line;
  const bool goes = listener.fate == Fate::removed;
  line += ", " + counted(listener.connections, "connection") + (goes ? " drained" : "");
  if (listener.tunnels != 0) line += ", " + counted(listener.tunnels, "tunnel") + (goes ? " cut" : "");
  return line;
}

std::string json_list(const Names& names) {
  std::string out = "[";
  for (const std::string& name : names) out += (out.size() > 1 ? "," : "") + json_quoted(name);
  return out + "]";
}

}  // namespace

std::string_view name_of(Fate fate) noexcept {
  switch (fate) {
    case Fate::kept: return "kept";
    case Fate::changed: return "changed";
    case Fate::added: return "added";
    case Fate::removed: return "removed";
  }
  return "";
}

std::uint32_t ReloadPlan::cut() const noexcept {
  std::uint32_t count = 0;
  for (const Listener& listener : listeners) count += listener.fate == Fate::removed ? listener.tunnels : 0;
  return count;
}

bool ReloadPlan::changes_nothing() const noexcept {
  const auto kept = [](const auto& one) { return one.fate == Fate::kept; };
  return std::all_of(listeners.begin(), listeners.end(), kept) &&
         std::all_of(upstreams.begin(), upstreams.end(), kept) &&
         routes.changed + routes.added + routes.removed == 0 && settings.empty();
}

ReloadPlan plan_of(const proxy::Snapshot& now, const proxy::Spec& next) {
  ReloadPlan plan;
  plan_listeners(plan, now, next);
  plan_upstreams(plan, *now.spec, next);
  plan_routes(plan, *now.spec, next);
  const auto note = [&](const char* key, bool same) {
    if (!same) plan.settings.emplace_back(key);
  };
  note("timeouts", now.spec->timeouts == next.timeouts);
  note("paths", now.spec->paths == next.paths);
  note("limits", now.spec->limits == next.limits);
  note("forwarding", now.spec->forwarding == next.forwarding);
  note("access_log", now.spec->access_log == next.access_log);
  note("runtime.shutdown", now.spec->runtime.shutdown == next.runtime.shutdown);
  note("server_name", now.spec->server_name == next.server_name);
  return plan;
}

std::vector<std::string> lines_of(const ReloadPlan& plan) {
  std::vector<std::string> lines;
  for (const ReloadPlan::Listener& listener : plan.listeners) lines.push_back(line_of(listener));
  for (const ReloadPlan::Upstream& upstream : plan.upstreams)
    lines.push_back(fmt::format("upstream {}: {}{}{}", upstream.name, name_of(upstream.fate),
                                joined("adds", upstream.added), joined("removes", upstream.removed)));
  lines.push_back(fmt::format("routes: {} kept, {} changed, {} added, {} removed", plan.routes.kept, plan.routes.changed,
                              plan.routes.added, plan.routes.removed));
  for (const std::string& route : plan.routes.named) lines.push_back("route " + route);
  for (const std::string& setting : plan.settings) lines.push_back(setting + ": changed");
  if (const std::uint32_t cut = plan.cut(); cut != 0) lines.push_back(counted(cut, "tunnel") + " would be cut");
  return lines;
}

std::string json_of(const ReloadPlan& plan) {
  std::string out = "{\"listeners\":[";
  for (const ReloadPlan::Listener& one : plan.listeners)
    out += fmt::format("{}{{\"name\":{},\"fate\":\"{}\",\"opens\":{},\"closes\":{},\"connections\":{},\"tunnels\":{}}}",
                       &one == plan.listeners.data() ? "" : ",", json_quoted(one.name), name_of(one.fate),
                       json_list(one.opened), json_list(one.closed), one.connections, one.tunnels);
  out += "],\"upstreams\":[";
  for (const ReloadPlan::Upstream& one : plan.upstreams)
    out += fmt::format("{}{{\"name\":{},\"fate\":\"{}\",\"adds\":{},\"removes\":{}}}",
                       &one == plan.upstreams.data() ? "" : ",", json_quoted(one.name), name_of(one.fate),
                       json_list(one.added), json_list(one.removed));
  return out + fmt::format("],\"routes\":{{\"kept\":{},\"changed\":{},\"added\":{},\"removed\":{},\"named\":{}}},"
                           "\"settings\":{},\"cut\":{}}}",
                           plan.routes.kept, plan.routes.changed, plan.routes.added, plan.routes.removed,
                           json_list(plan.routes.named), json_list(plan.settings), plan.cut());
}

}  // namespace weir::daemon
