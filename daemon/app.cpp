#include "daemon/app.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <random>
#include <thread>

#include "core/backends/registry.hpp"
#include "core/base/path.hpp"
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
#include "systemd/journal.hpp"

namespace weir::daemon {
namespace {

using namespace std::chrono_literals;

// How long the reader of a log may take for the last lines.
constexpr auto last_lines = 2s;

std::string url_of(const Address& address) {
  return address.has_port() ? "http://" + to_string(address) : to_string(address);
}

// Where the addresses are told was said to the first process of a line, not to those that take its place.
Overrides without_readiness(Overrides overrides) {
  overrides.ready_fd.reset();
  overrides.print_addresses = false;
  return overrides;
}

}  // namespace

App::App(std::shared_ptr<const proxy::Spec> spec, const Overrides& overrides, const std::string& file, const Start& start)
    : start_(start), overrides_(start.inheritance.ready ? without_readiness(overrides) : overrides),
      access_file_(spec->access_log.path) {
  RequestSink& requests = *this;
  lifecycle_ = find_lifecycle(requests, start_.environment);
  serving_.spec = std::move(spec);
  const std::uint32_t configured = overrides_.workers.value_or(this->spec().runtime.workers);
  serving_.workers = configured != 0 ? configured : static_cast<std::uint32_t>(platform::usable_processors());
  if (!file.empty()) {
    file_ = weir::text_of(std::filesystem::absolute(path_of(file)).lexically_normal());
    if (this->spec().runtime.watch) file_watch_.emplace(stamp_of(file_));
  }
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
    listening_.store(reactor_.get(), std::memory_order_release);
    reactor_->run(control());
    lifecycle_.reset();  // no further requests
  }
  signals_.deliver_no_more();
  room_requests_.clear();
  workers_.clear();
  const int code = failed_ ? exit_failed_start : exit_ok;
  close_logs(code);
  return code;
}

// On a thread without a log, such as the main one before it serves, the line goes straight to stderr, in the same form.
void App::complain(std::string_view text) {
  log_error("{}", text);
  lifecycle_->note(Notice::failed_start, text);
}

bool App::complain_all(const std::vector<std::string>& failures) {
  for (const std::string& failure : failures) complain(failure);
  return failures.empty();
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
  serving_.descriptors_used = platform::open_descriptors() + (has_control() ? ControlServer::descriptors : 0);
  for (const std::string& problem : start_.inheritance.problems) log_warn("{}", problem);
  serving_.sockets.inherit(start_.inheritance.sockets);
  const bool all_open = complain_all(serving_.sockets.open(serving_.spec, serving_.workers));
  for (const std::string& name : serving_.sockets.close_unwanted())
    log_warn("a listening socket that was passed is closed: no listener has it: {}", name);
  return all_open;
}

void App::start_logs() {
  LogOptions options;
  event_file_.open();
  options.write = [this](std::string_view lines) { event_file_.write(lines); };
  if (systemd::stderr_leads_to_journal(start_.environment)) options.append = systemd::append_journal_line;
  log_ = std::make_unique<LogWriter>(std::move(options));
  if (!spec().access_log.enabled) return;
  LogOptions access;
  access.append = append_raw;
  access.write = [this](std::string_view lines) { access_file_.write(lines); };
  access.reopen = [this] {
    reopening_.begins();
    std::string problem;
    if (access_file_.reopen()) {
      log_info("log file {} reopened", access_file_.path());
    } else {
      problem = fmt::format("{}: still writing to the old file", access_file_.problem());
      log_error("{}", problem);
    }
    reopening_.ended(std::move(problem));
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
    setup.room_requests = &room_requests_;
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
    room_requests_.add(*workers_[number]);
    if (number > 0) distributor_.add(*workers_[number]);
  }
  backends_.clear();
}

// What is served, for people on stderr and for programs as JSON.
void App::announce() {
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
  if (start_.inheritance.ready && !platform::write_and_close(*start_.inheritance.ready, json.data(), json.size()))
    complain("the process that this one takes the place of is gone");
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

// Writes what is left. The reader of a log may have stopped reading: then its last lines are lost, and the process ends
// all the same.
void App::close_logs(int code) {
  const bool closed = within_last_lines([this] {
    access_log_.reset();
    log_.reset();
  });
  if (!closed) std::_Exit(code);
}

// On a thread of its own. False: it goes on, so the process must exit at once.
bool App::within_last_lines(std::function<void()> work) {
  std::promise<void> written;
  std::future<void> done = written.get_future();
  std::thread writing([&] {
    work();
    written.set_value();
  });
  const bool ended = done.wait_for(last_lines) == std::future_status::ready;
  ended ? writing.join() : writing.detach();
  return ended;
}

}  // namespace weir::daemon
