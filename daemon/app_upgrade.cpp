// A binary upgrade: another process of the program takes the listening sockets over and says that it serves; then this one
// finishes what is in flight and ends. If it does not come to that, nothing has changed.
#include <fmt/format.h>

#include <chrono>

#include "daemon/app.hpp"
#include "daemon/control/api.hpp"
#include "daemon/off_thread.hpp"

namespace weir::daemon {
namespace {

using namespace std::chrono_literals;

// How long the new process may take until it serves.
constexpr Duration patience = 60s;

struct Started {
  std::uint32_t process = 0;  // that serves
  std::string problem;        // why there is none
};

// Blocks.
Started start_and_wait(const platform::CommandLine& command, const std::vector<KeptSocket>& sockets,
                       const systemd::Environment& environment) {
  Started started;
  const auto pipe = platform::make_ready_pipe();
  if (!pipe) return {0, describe(pipe.error())};
  const Bequest bequest = bequeath(sockets, pipe->writes, environment);
  const auto process = platform::start_successor(command, bequest.descriptors, bequest.environment);
  platform::close_descriptor(pipe->writes);
  if (!process) {
    started.problem = fmt::format("{} cannot be started: {}", command.program, describe(process.error()));
  } else if (platform::wait_until_ready(pipe->reads, patience)) {
    started.process = *process;
    platform::let_go_of_successor(*process);
  } else {
    platform::kill_successor(*process);  // it may have ended, which is no error
    started.problem = fmt::format("the new process did not serve: {}; its own messages say why",
                                  platform::how_it_ended(*process));
  }
  platform::close_descriptor(pipe->reads);
  return started;
}

Verdict refused(std::string why) {
  log_error("upgrade refused: {}: weir goes on as before", why);
  return {false, {"upgrade refused: " + why}, exit_failed_start, {}};
}

}  // namespace

Task<Verdict> App::upgrade() {
  if (start_.command_line.program.empty())
    co_return refused("this system does not let a process inherit listening sockets: restart weir instead");
  const CancelToken token = tasks_.token();
  auto turn = reloading_.acquire(token);  // no reload meanwhile: the new process reads the file, too
  const bool its_turn = co_await turn;
  if (!its_turn || state_ != RunState::serving) {
    if (its_turn) reloading_.release();
    co_return refused(fmt::format("weir is {}", text_of(state_)));
  }
  log_info("upgrade: starting {}", start_.command_line.program);
  OffThread<Started> starting(*reactor_, [command = start_.command_line, sockets = serving_.sockets.all(),
                                          environment = start_.environment] {
    return start_and_wait(command, sockets, environment);
  });
  const Started started = co_await starting;
  reloading_.release();
  if (started.process == 0) co_return refused(started.problem);
  if (state_ != RunState::serving) co_return refused(fmt::format("weir is {}", text_of(state_)));
  hand_over_to(started.process);
  Verdict verdict;
  verdict.lines = {fmt::format("process {} serves now, process {} finishes its requests and ends", started.process,
                               start_.environment.process)};
  co_return verdict;
}

void App::hand_over_to(std::uint32_t process) {
  log_info("upgraded {}", kv("pid", process));
  is_succeeded_ = true;
  serving_.sockets.disown_files();
  lifecycle_->succeeded_by(process);
  enter(RunEvent::stop);
}

}  // namespace weir::daemon
