#include "windows-service/status.hpp"

#include <array>
#include <utility>

namespace weir::windows_service {
namespace {

constexpr std::size_t states = 4;
// [from][to], in the order of State.
constexpr std::array<std::array<bool, states>, states> follows{{
    {true, true, true, true},     // start_pending
    {false, true, true, true},    // running
    {false, false, true, true},   // stop_pending
    {false, false, false, false}  // stopped: reported once, and the process may be ended after it
}};

bool pending(State state) noexcept { return state == State::start_pending || state == State::stop_pending; }

constexpr int exit_usage = 2;
constexpr int exit_refused_configuration = 78;

}  // namespace

StatusReporter::StatusReporter(std::function<void(const StatusReport&)> publish) : publish_(std::move(publish)) {}

void StatusReporter::starting(std::chrono::milliseconds longest) {
  const std::lock_guard lock(mutex_);
  report(State::start_pending, 0, longest);
}

void StatusReporter::running() {
  const std::lock_guard lock(mutex_);
  report(State::running, 0, {});
}

void StatusReporter::stopping(std::chrono::milliseconds longest) {
  const std::lock_guard lock(mutex_);
  report(State::stop_pending, 0, longest);
}

void StatusReporter::stopped(int exit_code) {
  const std::lock_guard lock(mutex_);
  report(State::stopped, exit_code, {});
}

void StatusReporter::extend(std::chrono::milliseconds longest) {
  const std::lock_guard lock(mutex_);
  if (pending(last_.state)) report(last_.state, 0, longest);
}

StatusReport StatusReporter::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void StatusReporter::report(State next, int exit_code, std::chrono::milliseconds longest) {
  if (!follows[static_cast<std::size_t>(last_.state)][static_cast<std::size_t>(next)]) return;
  StatusReport fresh;
  fresh.state = next;
  fresh.takes_controls = next == State::running;
  fresh.exit_code = exit_code;
  if (pending(next)) {
    fresh.checkpoint = next == last_.state ? last_.checkpoint + 1 : 1;
    fresh.wait_hint = longest;
  }
  last_ = fresh;
  publish_(fresh);
}

Leaving leaving(const End& end) noexcept {
  const bool final = end.exit_code == 0 || end.exit_code == exit_usage || end.exit_code == exit_refused_configuration;
  const bool seen = !end.was_running && end.started_by_hand;
  return final || end.asked_to_stop || seen ? Leaving::reported : Leaving::silent;
}

}  // namespace weir::windows_service
