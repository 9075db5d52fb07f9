#pragma once
// The daemon's state and its transitions. Every shutdown goes through here: signals, the control socket, a service manager,
// a failed worker. Pure.

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::daemon {

enum class RunState : std::uint8_t {
  starting,   // not every worker accepts yet
  serving,
  finishing,  // nothing more is accepted; what is in flight has as long as it takes
  draining,   // the same, but within runtime.shutdown.timeout
  stopping,   // what is in flight is cut
};

enum class RunEvent : std::uint8_t {
  all_serve,  // every worker accepts
  drain,      // asked for: drain
  stop,       // asked for: stop
  stop_now,   // asked for: stop now, or something failed
};

// The state that follows; none: the event changes nothing.
constexpr std::optional<RunState> after(RunState state, RunEvent event) noexcept {
  using enum RunState;
  switch (event) {
    case RunEvent::all_serve: return state == starting ? std::optional(serving) : std::nullopt;
    case RunEvent::drain: return state < finishing ? std::optional(finishing) : std::nullopt;
    // The second time it is meant: a user at a terminal who presses Ctrl-C again.
    case RunEvent::stop: return state < draining ? std::optional(draining) : state < stopping ? std::optional(stopping) : std::nullopt;
    case RunEvent::stop_now: return state < stopping ? std::optional(stopping) : std::nullopt;
  }
  return std::nullopt;
}

constexpr std::string_view name_of(RunState state) noexcept {
  switch (state) {
    case RunState::starting: return "starting";
    case RunState::serving: return "serving";
    case RunState::finishing: return "finishing";
    case RunState::draining: return "draining";
    case RunState::stopping: return "stopping";
  }
  return "";
}

}  // namespace weir::daemon
