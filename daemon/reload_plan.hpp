#pragma once
// ReloadPlan: what taking another configuration up would do to what is served now, with live counts. Pure but for the
// counters it reads; control thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/proxy/snapshot.hpp"

namespace weir::daemon {

// What is asked for.
struct ReloadOrder {
  bool plan_only = false;                // says what would happen
  std::optional<std::uint32_t> max_cut;  // refuses if more tunnels would be cut
};

enum class Fate : std::uint8_t { kept, changed, added, removed };
std::string_view name_of(Fate fate) noexcept;

struct ReloadPlan {
  struct Listener {
    std::string name;
    Fate fate;
    std::vector<std::string> opened, closed;  // addresses
    std::uint32_t connections = 0;            // now; of one that goes they are drained
    std::uint32_t tunnels = 0;                // of those; of one that goes they are cut
  };
  struct Upstream {
    std::string name;
    Fate fate;
    std::vector<std::string> added, removed;  // endpoints
  };
  struct Routes {
    std::size_t kept = 0, changed = 0, added = 0, removed = 0;
    std::vector<std::string> named;  // "changed: web.test /a", the first few that are not kept
  };
  std::vector<Listener> listeners;
  std::vector<Upstream> upstreams;
  Routes routes;
  std::vector<std::string> settings;  // other keys that change: "timeouts", "limits"

  // Streams without an end of their own (tunnels) that would be cut when their listener's time is up.
  std::uint32_t cut() const noexcept;
  bool changes_nothing() const noexcept;
};

ReloadPlan plan_of(const proxy::Snapshot& now, const proxy::Spec& next);

// For people: a line each, "listener web: kept, 12 connections".
std::vector<std::string> lines_of(const ReloadPlan& plan);
std::string json_of(const ReloadPlan& plan);

}  // namespace weir::daemon
