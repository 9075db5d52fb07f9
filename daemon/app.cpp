#include "daemon/app.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <random>
#include <thread>

#include "core/backends/registry.hpp"
#include "core/platform/balancing.hpp"
#include "core/platform/descriptors.hpp"
#include "core/platform/memory.hpp"
#include "core/platform/orphans.hpp"
#include "core/platform/program.hpp"
#include "core/platform/threads.hpp"
#include "core/reactor/awaitables.hpp"
#include "core/reactor/open.hpp"
#include "daemon/json.hpp"
#include "daemon/resolve.hpp"
#include "daemon/version.hpp"

namespace weir::daemon {
namespace {

using namespace std::chrono_literals;

// How long a worker may take to cut its connections before the process ends without it.
constexpr Duration forced_end = 5s;
// Connections that have begun complete within it, then listeners are closed.
constexpr Duration last_handshakes = 20ms;
// How long the reader of a log may take for the last lines.
constexpr auto last_lines = 2s;

// On a thread without a log, such as the main one before it serves, the line goes straight to stderr, in the same form.
void complain(std::string_view text) { log_error("{}", text); }

bool complain_all(const std::vector<std::string>& failures) {
  for (const std::string& failure : failures) complain(failure);
  return failures.empty();
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end != 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return lines;
}

std::string url_of(const Address& address) {
  return address.has_port() ? "http://" + to_string(address) : to_string(address);
}

}  // namespace

App::App(std::shared_ptr<const proxy::Spec> spec, const Overrides& overrides, std::string file)
    : overrides_(overrides), file_(std::move(file)), access_file_(spec->access_log.path) {
  serving_.spec = std::move(spec);
  const std::uint32_t configured = overrides_.workers.value_or(this->spec().runtime.workers);
  serving_.workers = configured != 0 ? configured : static_cast<std::uint32_t>(platform::usable_processors());
  note_.app = this;
  note_.run = [](Posted& posted) noexcept {
    auto& note = static_cast<Note&>(posted);
    note.queued.store(false, std::memory_order_release);
    note.app->changed_.set();
    note.app->worker_changed_.set();
  };
}

App::~App() = default;

int App::run() {
  platform::prepare_heap(serving_.workers);
  if (!prepare()) return exit_failed_start;
  start_logs();
  reactor_ = std::make_unique<Reactor>(std::move(backends_.back()));
  backends_.pop_back();
  start_workers();
  platform::trim_heap();
  signals_.deliver_here();
  {
    const LogThread log(*log_);
    backend_failed_.app = this;
    backend_failed_.run = [](Posted& posted) noexcept { static_cast<Note&>(posted).app->on_backend_failure(); };
    reactor_->when_backend_fails(backend_failed_);
    reactor_->run(control());
  }
  workers_.clear();
  const int code = failed_ ? exit_failed_start : exit_ok;
  close_logs(code);
  return code;
}

// Preparation

// Says everything that is wrong, not the first thing only.
bool App::prepare() {
  const bool named = resolve_names();
  const bool logs = open_access_log();
  const bool backends = make_backends();
  const bool listens = open_listeners();
  if (!named || !logs || !backends || !listens) return false;
  // Not before: an interrupt during a slow name resolution ends the process as usual.
  if (const Error error = signals_.open()) {
    complain(fmt::format("cannot listen for signals: {}", describe(error)));
    return false;
  }
  signals_.tell_of_children();
  platform::adopt_orphans();
  serving_.snapshot = serving_.compile(serving_.spec, names_, serving_.sockets.count());
  shared_.listening = serving_.sockets.count();
  return true;
}

bool App::resolve_names() {
  names_ = resolve_endpoints(spec());
  return complain_all(names_.failures);
}

bool App::open_access_log() {
  if (!spec().access_log.enabled || access_file_.open()) return true;
  complain(access_file_.problem());
  return false;
}

bool App::make_backends() {
  const std::string& wanted = overrides_.backend.empty() ? spec().runtime.backend : overrides_.backend;
  for (std::uint32_t i = 0; i <= serving_.workers; ++i) {
    std::vector<std::string> passed_over;
    auto made = make_backend(wanted, i == 0 ? &passed_over : nullptr);
    if (!made) {
      complain(fmt::format("cannot start: {}: choose another one with runtime.backend or --backend", made.error()));
      return false;
    }
    for (const std::string& reason : passed_over) log_info("{}", reason);
    backends_.push_back(std::move(*made));
  }
  const Capabilities& capabilities = backends_.front()->capabilities();
  backend_name_ = capabilities.name;
  serving_.descriptors = platform::raise_descriptor_limit();
  if (capabilities.max_sockets != 0)
    serving_.descriptors = std::min<std::size_t>(serving_.descriptors, capabilities.max_sockets);
  return true;
}

bool App::open_listeners() {
  serving_.descriptors_used = platform::open_descriptors();
  return complain_all(serving_.sockets.open(serving_.spec, serving_.workers));
}

void App::start_logs() {
  LogOptions options;
  event_file_.open();
  options.write = [this](std::string_view lines) { event_file_.write(lines); };
  log_ = std::make_unique<LogWriter>(std::move(options));
  if (!spec().access_log.enabled) return;
  LogOptions access;
  access.append = append_raw;
  access.write = [this](std::string_view lines) { access_file_.write(lines); };
  access.reopen = [this] {
    if (access_file_.reopen()) {
      log_info("log file {} reopened", access_file_.path());
    } else {
      log_error("{}: still writing to the old file", access_file_.problem());
    }
  };
  access.report = [](const LogLoss& loss) { log_warn("access log: {}", text_of(loss)); };
  access_log_ = std::make_unique<LogWriter>(std::move(access));
}

// The first worker comes last: where it accepts for all, the others must be there.
void App::start_workers() {
  const bool one_accepts = serving_.workers > 1 && !platform::balances_listeners();
  std::random_device entropy;
  workers_.resize(serving_.workers);
  for (std::uint32_t number = serving_.workers; number-- > 0;) {
    Worker::Setup setup;
    setup.number = number;
    setup.backend = std::move(backends_[number]);
    setup.snapshot = serving_.snapshot;
    setup.listeners = serving_.sockets.take(number, *serving_.snapshot);
    setup.takes_over = one_accepts && number > 0;
    setup.distributor = one_accepts && number == 0 ? &distributor_ : nullptr;
    setup.shared = &shared_;
    setup.seed = (std::uint64_t{entropy()} << 32) | entropy();
    setup.log = log_.get();
    setup.access_log = access_log_.get();
    setup.log_colour = access_file_.shows_colours();
    setup.changed = [](void* context) noexcept {
      App& app = *static_cast<App*>(context);
      if (!app.note_.queued.exchange(true, std::memory_order_acq_rel)) app.reactor_->post(app.note_);
    };
    setup.context = this;
    workers_[number] = std::make_unique<Worker>(std::move(setup));
    if (number > 0) distributor_.add(*workers_[number]);
  }
  backends_.clear();
}

// What is served, for people on stderr and for programs as JSON.
void App::announce() {
  announced_ = true;
  for (const ListeningSockets::Bound& bound : serving_.sockets.bound()) {
    fmt::print(stderr, "weir {} listening on {} (listener {}), {} worker{}, {}\n", version(), url_of(bound.address),
               spec().listeners[bound.listener].name, serving_.workers, serving_.workers == 1 ? "" : "s", backend_name_);
  }
  log_info("serving {} {}", kv("max_connections", serving_.snapshot->max_connections), kv("routes", spec().routes.size()));
  const std::string json = addresses_as_json();
  if (overrides_.print_addresses) {
    std::fwrite(json.data(), 1, json.size(), stdout);
    std::fflush(stdout);
  }
  if (overrides_.ready_fd && !platform::write_and_close(*overrides_.ready_fd, json.data(), json.size())) {
    complain(fmt::format("nothing reads from descriptor {} (--ready-fd)", *overrides_.ready_fd));
  }
}

std::string App::addresses_as_json() const {
  std::string out = "{\"listeners\":{";
  for (std::uint32_t index = 0; index < spec().listeners.size(); ++index) {
    out += fmt::format("{}{}:[", index == 0 ? "" : ",", json_quoted(spec().listeners[index].name));
    bool first = true;
    for (const ListeningSockets::Bound& bound : serving_.sockets.bound()) {
      if (bound.listener != index) continue;
      out += fmt::format("{}{}", first ? "" : ",", json_quoted(to_string(bound.address)));
      first = false;
    }
    out += "]";
  }
  return out + fmt::format("}},\"workers\":{},\"backend\":{},\"max_connections\":{},\"pid\":{}}}\n", serving_.workers,
                           json_quoted(backend_name_), serving_.snapshot->max_connections, platform::process_id());
}

// Control thread

Task<void> App::control() {
  Handle signals;
  OpenSpec pipe;
  pipe.what = OpenSpec::What::adopt;
  pipe.native = signals_.take_descriptor();
  if (const Error error = open_attached(reactor_->backend(), signals, pipe)) {
    log_error("cannot read signals: {}", describe(error));
    failed_ = true;
    begin_stop();
  } else {
    tasks_.spawn(watch_signals(signals));
    start_checks();
  }
  while (true) {
    changed_.reset();
    if (all_workers_ended()) break;
    auto wait = changed_.wait();
    co_await wait;
  }
  tasks_.cancel();
  auto join = tasks_.join();
  co_await join;
  if (signals.is_open()) reactor_->backend().close(signals);
}

void App::start_checks() {
  proxy::HealthOptions options;
  std::random_device entropy;
  options.seed = (std::uint64_t{entropy()} << 32) | entropy();
  options.report = [](void*, const proxy::HealthEvent& event) noexcept {
    log(event.what == proxy::HealthEvent::What::up ? Level::info : Level::warn, "{}", text_of(event));
  };
  check_protocol_ = std::make_unique<proxy::h1::UpstreamSide>(*reactor_);
  options.protocol = check_protocol_.get();
  checks_ = std::make_unique<proxy::HealthScheduler>(*reactor_, serving_.snapshot, options);
  tasks_.spawn(checks_->run());
}

Task<void> App::watch_signals(Handle& signals) {
  // The token ends a read that is in flight: a request, the result comes by itself.
  struct Interrupt : CancelCallback {
    Reactor* reactor = nullptr;
    Op* op = nullptr;
    Interrupt() noexcept
        : CancelCallback([](CancelCallback& callback) noexcept {
            auto& interrupt = static_cast<Interrupt&>(callback);
            interrupt.reactor->cancel(*interrupt.op);
          }) {}
  };
  const CancelToken token = tasks_.token();
  char bytes[16];
  while (!token.cancelled()) {
    Read read(*reactor_, signals, bytes, sizeof bytes);
    Interrupt interrupt;
    interrupt.reactor = reactor_.get();
    interrupt.op = &read.op();
    token.subscribe(interrupt);
    const Result<std::size_t> got = co_await read;
    if (!got || *got == 0) break;
    for (std::size_t i = 0; i < *got; ++i) on_signal(static_cast<platform::Signal>(bytes[i]));
  }
}

void App::on_signal(platform::Signal signal) {
  switch (signal) {
    case platform::Signal::terminate:
    case platform::Signal::interrupt:
      if (draining_) {
        begin_stop();
      } else {
        begin_drain();
      }
      break;
    case platform::Signal::quit: begin_stop(); break;
    case platform::Signal::child_ended: platform::reap_orphans(); break;
    case platform::Signal::hang_up:
      // Without a file it is the end of the terminal that weir was started from.
      if (file_.empty()) {
        begin_drain();
      } else {
        ask_reload();
      }
      break;
    case platform::Signal::reopen_logs:
      if (access_log_ && !access_file_.is_standard()) {
        access_log_->reopen();  // says how it went
      } else {
        log_info("no log file to reopen");
      }
      break;
  }
}

void App::on_backend_failure() noexcept {
  failed_ = true;
  log_error("the {} backend of the control thread failed: {}: all workers are stopped", backend_name_,
            describe(reactor_->backend().failure()));
  begin_stop();
}

void App::ask_reload() {
  if (draining_ || !announced_) return log_warn("reload refused: weir is {}", draining_ ? "stopping" : "starting");
  if (reloading_ != Reloading::no) {
    reloading_ = Reloading::again;
    return;
  }
  reloading_ = Reloading::yes;
  tasks_.spawn(reload());
}

Task<void> App::reload() {
  while (reloading_ != Reloading::no && !draining_) {
    reloading_ = Reloading::yes;
    Reload one({*reactor_, serving_, workers_, worker_changed_, shared_, checks_.get(), access_file_, access_log_.get(),
                overrides_, file_}, {});
    auto running = one.run();
    const ReloadVerdict verdict = co_await running;
    report(verdict);
    if (reloading_ == Reloading::yes) reloading_ = Reloading::no;
  }
}

void App::report(const ReloadVerdict& verdict) {
  const Level level = verdict.ok() ? Level::warn : Level::error;
  for (const std::string& problem : verdict.problems)
    for (const std::string_view line : lines_of(problem)) log(level, "{}", line);
  if (verdict.ok()) {
    log_info("reloaded {} {}", kv("file", file_), kv("ms", verdict.took.count() / 1000000));
  } else {
    log_error("reload refused: {} was not taken up, weir goes on as before", file_);
  }
}

void App::begin_drain() {
  if (draining_) return;
  draining_ = true;
  const auto bound = std::chrono::duration_cast<std::chrono::milliseconds>(spec().runtime.shutdown.timeout);
  log_info("stopping: requests in flight have {} ms, a second signal stops at once", bound.count());
  serving_.sockets.remove_socket_files();
  if (checks_) checks_->stop();  // an endpoint stays what it was found to be
  for (const auto& worker : workers_) worker->refuse_newcomers();
  tasks_.spawn(drain_workers(tasks_.token()));
}

Task<void> App::drain_workers(CancelToken token) {
  SleepUntil sleep(*reactor_, reactor_->now() + last_handshakes, token);
  const bool slept = co_await sleep;
  static_cast<void>(slept);
  for (const auto& worker : workers_) worker->drain();
}

void App::begin_stop() {
  if (stopping_) return;
  begin_drain();
  stopping_ = true;
  log_info("stopping now");
  for (const auto& worker : workers_) worker->stop();
  tasks_.spawn(force_end(tasks_.token()));
}

// A worker that hangs must not keep the process alive: its service manager waits for it to end.
Task<void> App::force_end(CancelToken token) {
  SleepUntil sleep(*reactor_, reactor_->now() + forced_end, token);
  const bool slept = co_await sleep;
  if (!slept) co_return;
  complain("a worker does not stop: exiting without it");
  std::_Exit(exit_failed_start);
}

// Writes what is left. The reader of a log may have stopped reading: then its last lines are lost, and the process ends
// all the same.
void App::close_logs(int code) {
  std::promise<void> written;
  std::future<void> done = written.get_future();
  std::thread closer([this, &written] {
    access_log_.reset();
    log_.reset();
    written.set_value();
  });
  if (done.wait_for(last_lines) != std::future_status::ready) std::_Exit(code);
  closer.join();
}

// Also announces once all serve, and stops all when one has failed.
bool App::all_workers_ended() {
  std::size_t serving = 0;
  std::size_t ended = 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const Worker& worker = *workers_[i];
    serving += worker.serving() ? 1 : 0;
    if (!worker.ended()) continue;
    ++ended;
    if (stopping_ && failed_) continue;
    if (worker.failure().empty() && draining_) continue;
    failed_ = true;
    log_error("worker {} failed: {}: all workers are stopped", i,
              worker.failure().empty() ? "it ended unexpectedly" : worker.failure());
    begin_stop();
  }
  if (!announced_ && !draining_ && serving == workers_.size()) announce();
  return ended == workers_.size();
}

}  // namespace weir::daemon
