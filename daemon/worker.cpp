#include "daemon/worker.hpp"

#include <fmt/format.h>

#include <exception>

#include "core/platform/admission.hpp"
#include "core/platform/memory.hpp"
#include "core/platform/threads.hpp"
#include "daemon/distributor.hpp"
#include "daemon/room_requests.hpp"

namespace weir::daemon {
namespace {

constexpr std::size_t operational_ring = 64 * 1024;  // bytes

void write_access_line(void* context, std::string_view line) noexcept {
  if (line.ends_with('\n')) line.remove_suffix(1);  // the writer ends records
  static_cast<LogProducer*>(context)->push({Level::info, {}, line});
}

}  // namespace

Worker::Worker(Setup setup) : setup_(std::move(setup)) {
  for (Command* command : {&refuse_, &finish_, &drain_, &stop_, &arrivals_, &backend_failed_, &prepare_, &commit_, &abandon_, &beat_,
                           &room_})
    command->worker = this;
  refuse_.run = [](Posted& posted) noexcept { static_cast<Command&>(posted).worker->admit_no_more(); };
  finish_.run = [](Posted& posted) noexcept { static_cast<Command&>(posted).worker->server_->finish(); };
  drain_.run = [](Posted& posted) noexcept { static_cast<Command&>(posted).worker->server_->drain(); };
  stop_.run = [](Posted& posted) noexcept { static_cast<Command&>(posted).worker->server_->stop(); };
  arrivals_.run = [](Posted& posted) noexcept { static_cast<Command&>(posted).worker->take_arrivals(); };
  backend_failed_.run = stop_.run;
  prepare_.run = [](Posted& posted) noexcept {
    Worker& self = *static_cast<Command&>(posted).worker;
    self.refusal_ = self.server_->prepare(std::move(self.change_));
    self.take_up(self.refusal_ ? ReloadStep::refused : ReloadStep::prepared);
  };
  beat_.run = [](Posted& posted) noexcept {
    static_cast<Command&>(posted).worker->answered_.store(true, std::memory_order_release);
  };
  room_.run = [](Posted& posted) noexcept {
    Worker& self = *static_cast<Command&>(posted).worker;
    const std::uint32_t listener = self.room_for_;
    self.room_asked_.store(false, std::memory_order_release);
    self.server_->make_room(listener);
  };
  commit_.run = [](Posted& posted) noexcept {
    Worker& self = *static_cast<Command&>(posted).worker;
    self.server_->commit();
    self.take_up(ReloadStep::none);
  };
  abandon_.run = [](Posted& posted) noexcept {
    Worker& self = *static_cast<Command&>(posted).worker;
    self.server_->abandon();
    self.take_up(ReloadStep::none);
  };
  for (const proxy::AdoptedListener& listener : setup_.listeners) listeners_.push_back(listener.native);
  if (setup_.access_log != nullptr) access_ring_ = std::make_unique<LogProducer>(*setup_.access_log);
  thread_ = std::thread([this] { main(); });
}

Worker::~Worker() {
  stop();
  thread_.join();
}

void Worker::refuse_newcomers() noexcept { post(refuse_); }
void Worker::finish() noexcept { post(finish_); }
void Worker::drain() noexcept { post(drain_); }
void Worker::stop() noexcept { post(stop_); }

void Worker::post(Command& command) noexcept {
  const std::lock_guard lock(mutex_);
  if (command.asked || ended()) return;
  command.asked = true;
  if (reactor_ != nullptr) reactor_->post(command);
}

// A step of a reload, as often as there are reloads.
bool Worker::post_again(Command& command) noexcept {
  const std::lock_guard lock(mutex_);
  if (reactor_ == nullptr) return false;
  reactor_->post(command);
  return true;
}

bool Worker::beat() noexcept {
  if (!answered_.exchange(false, std::memory_order_acq_rel)) return false;
  if (!post_again(beat_)) answered_.store(true, std::memory_order_release);  // it begins or ends
  return true;
}

void Worker::make_room(std::uint32_t listener) noexcept {
  if (room_asked_.exchange(true, std::memory_order_acq_rel)) return;
  room_for_ = listener;
  if (!post_again(room_)) room_asked_.store(false, std::memory_order_release);
}

void Worker::prepare(proxy::Change change) noexcept {
  change_ = std::move(change);
  step_.store(ReloadStep::preparing, std::memory_order_release);
  if (post_again(prepare_)) return;
  refusal_ = Errc::cancelled;
  step_.store(ReloadStep::refused, std::memory_order_release);
}

void Worker::commit() noexcept {
  step_.store(ReloadStep::committing, std::memory_order_release);
  if (!post_again(commit_)) step_.store(ReloadStep::none, std::memory_order_release);
}

void Worker::abandon() noexcept {
  step_.store(ReloadStep::committing, std::memory_order_release);
  if (!post_again(abandon_)) step_.store(ReloadStep::none, std::memory_order_release);
}

// On the worker's thread.
void Worker::take_up(ReloadStep next) noexcept {
  step_.store(next, std::memory_order_release);
  setup_.changed(setup_.context);
}

proxy::ServerCounters Worker::counters() noexcept {
  const std::lock_guard lock(mutex_);
  return server_ != nullptr ? server_->counters() : counters_;
}

bool Worker::take(const proxy::AcceptedConnection& connection) noexcept try {
  const std::lock_guard lock(mutex_);
  if (server_ == nullptr) return false;
  arrived_.push_back(connection);
  if (arrived_.size() == 1) reactor_->post(arrivals_);
  return true;
} catch (const std::bad_alloc&) { return false; }

// On the worker's thread, as what follows.
void Worker::take_arrivals() noexcept {
  std::vector<proxy::AcceptedConnection> arrived;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(arrived_);
  }
  for (const proxy::AcceptedConnection& connection : arrived) server_->take_over(connection);
}

bool Worker::hand_over(const proxy::AcceptedConnection& connection) noexcept {
  return !refusing_ && setup_.distributor->offer(connection);
}

void Worker::admit_no_more() noexcept {
  refusing_ = true;
  if (server_->draining()) return;  // they are closed already
  for (const NativeHandle listener : listeners_) {
    if (!platform::admit_no_more(listener)) return server_->close_listeners();
  }
}

void Worker::main() noexcept {
  platform::name_thread(fmt::format("weir/{}", setup_.number));
  const LogThread log(*setup_.log, operational_ring);
  try {
    serve();
  } catch (const std::exception& error) { failure_ = error.what(); } catch (...) {
    failure_ = "unknown exception";
  }
  access_ring_.reset();
  ended_.store(true, std::memory_order_release);
  setup_.changed(setup_.context);
}

void Worker::serve() {
  ReactorOptions options;
  options.buffer_size = setup_.snapshot->spec->runtime.buffer_size;
  Reactor reactor(std::move(setup_.backend), options);
  const Result<void> outcome = run_engine(reactor);
  const Error lost = reactor.backend().failure();
  if (lost) failure_ = fmt::format("its {} backend: {}", reactor.backend().capabilities().name, describe(lost));
  if (!outcome) failure_ = fmt::format("the listeners could not be taken over: {}", describe(outcome.error()));
}

// The engine's whole life. Commands reach it for as long as its coroutine runs.
Result<void> Worker::run_engine(Reactor& reactor) {
  proxy::Server server(reactor, std::move(setup_.snapshot), server_options());
  publish(reactor, server);
  reactor.when_backend_fails(backend_failed_);
  Result<void> outcome;
  std::exception_ptr escaped;
  try {
    reactor.run(run_server(server, outcome));
  } catch (...) { escaped = std::current_exception(); }
  counters_ = server.counters();
  withdraw();
  if (escaped) std::rethrow_exception(escaped);
  return outcome;
}

proxy::ServerOptions Worker::server_options() {
  proxy::ServerOptions options;
  options.listeners = std::move(setup_.listeners);
  options.takes_over = setup_.takes_over;
  if (setup_.distributor != nullptr) {
    options.hand_over = [](void* context, const proxy::AcceptedConnection& connection) noexcept {
      return static_cast<Worker*>(context)->hand_over(connection);
    };
  }
  if (setup_.room_requests != nullptr) {
    options.ask_for_room = [](void* context, std::uint32_t listener, std::uint32_t nth) noexcept {
      const Worker& self = *static_cast<Worker*>(context);
      return self.setup_.room_requests->ask(self, listener, nth);
    };
  }
  options.worker_context = this;
  options.shared = setup_.shared;
  options.seed = setup_.seed;
  options.log_line = access_ring_ ? write_access_line : nullptr;
  options.log_colour = setup_.log_colour;
  options.log_event = [](void*, std::string_view text) noexcept { log_warn("{}", text); };
  options.memory_freed = [](void*) noexcept { platform::trim_heap(); };
  options.context = access_ring_.get();
  return options;
}

// From here on commands meet the engine. Those that came before are caught up on.
void Worker::publish(Reactor& reactor, proxy::Server& server) noexcept {
  {
    const std::lock_guard lock(mutex_);
    reactor_ = &reactor;
    server_ = &server;
    if (refuse_.asked) reactor.post(refuse_);
    if (finish_.asked) reactor.post(finish_);
    if (drain_.asked) reactor.post(drain_);
    if (stop_.asked) reactor.post(stop_);
  }
  serving_.store(true, std::memory_order_release);
  setup_.changed(setup_.context);
}

void Worker::withdraw() noexcept {
  const std::lock_guard lock(mutex_);
  for (const proxy::AcceptedConnection& connection : arrived_) server_->take_over(connection);  // closes it
  reactor_ = nullptr;
  server_ = nullptr;
}

Task<void> Worker::run_server(proxy::Server& server, Result<void>& outcome) {
  Result<void> result = co_await server.run();
  outcome = result;
}

}  // namespace weir::daemon
