// RunState: the table of transitions.
#include "daemon/run_state.hpp"

#include "tests/support/catch.hpp"

namespace weir::daemon {

TEST_CASE("the daemon's states follow one another as the table says") {
  using enum RunState;
  struct Row {
    RunState from;
    RunEvent event;
    std::optional<RunState> to;
  };
  constexpr auto stays = std::nullopt;
  const Row rows[] = {
      {starting, RunEvent::all_serve, serving},   {starting, RunEvent::drain, finishing},
      {starting, RunEvent::stop, draining},       {starting, RunEvent::stop_now, stopping},
      {serving, RunEvent::all_serve, stays},      {serving, RunEvent::drain, finishing},
      {serving, RunEvent::stop, draining},        {serving, RunEvent::stop_now, stopping},
      {finishing, RunEvent::all_serve, stays},    {finishing, RunEvent::drain, stays},
      {finishing, RunEvent::stop, draining},      {finishing, RunEvent::stop_now, stopping},
      {draining, RunEvent::all_serve, stays},     {draining, RunEvent::drain, stays},
      {draining, RunEvent::stop, stopping},       {draining, RunEvent::stop_now, stopping},
      {stopping, RunEvent::all_serve, stays},     {stopping, RunEvent::drain, stays},
      {stopping, RunEvent::stop, stays},          {stopping, RunEvent::stop_now, stays},
  };
  for (const Row& row : rows) {
    INFO(name_of(row.from) << " and event " << int(row.event));
    CHECK(after(row.from, row.event) == row.to);
  }
}

TEST_CASE("whatever happens, the daemon's states only go forward, and each way to end leads to the end") {
  for (int from = 0; from <= int(RunState::stopping); ++from) {
    for (int event = 0; event <= int(RunEvent::stop_now); ++event) {
      const auto to = after(RunState(from), RunEvent(event));
      if (to) CHECK(int(*to) > from);
    }
    CHECK(after(RunState(from), RunEvent::stop_now).value_or(RunState::stopping) == RunState::stopping);
  }
}

}  // namespace weir::daemon
