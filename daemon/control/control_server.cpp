#include "daemon/control/control_server.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "core/base/log.hpp"
#include "core/base/path.hpp"
#include "core/platform/program.hpp"
#include "core/platform/run_directory.hpp"
#include "core/platform/sockets.hpp"
#include "daemon/control/api.hpp"
#include "daemon/control/place.hpp"

namespace weir::daemon {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t backlog = 64;
constexpr std::uint16_t owner_only = 0600;

// One listener, and one route that takes everything.
std::shared_ptr<const proxy::Spec> control_spec() {
  auto spec = std::make_shared<proxy::Spec>();
  spec->listeners.emplace_back().name = "control";
  spec->timeouts.head = 5s;
  spec->timeouts.idle = 5s;
  spec->timeouts.keep_alive = 60s;
  spec->timeouts.half_closed = 0s;  // a client that has said all it had to say waits for its verdict
  spec->timeouts.linger = 1s;
  spec->forwarding.request_id = false;
  // The exit of the process is not delayed by clients that send no request or do not read.
  spec->runtime.shutdown.timeout = 250ms;
  spec->runtime.shutdown.idle = 1ms;
  proxy::RouteSpec& route = spec->routes.emplace_back();
  route.name = "control";
  route.handled = true;
  route.timeout = spec->timeouts;
  route.max_body = 64 * 1024;
  return spec;
}

}  // namespace

ControlServer::~ControlServer() {
  if (listening_ == no_native_handle) return;
  remove_files();
  Handle handle;
  handle.native = listening_;
  handle.kind = kind_;
  platform::close(handle);
}

void ControlServer::add_problem(const std::string& place, const Error& error) {
  const Restriction* rule = restriction(error.rule);
  if (!problem_.empty()) problem_ += "; ";
  problem_ += fmt::format("{}: {}", place, rule != nullptr ? std::string(rule->sentence) : describe(error));
}

bool ControlServer::open(const std::string& wanted) {
  const std::vector<std::string> directories = platform::run_directories();
  if (wanted == "auto") {
    for (const std::string& directory : directories) {
      if (open_in(directory)) return true;
    }
    return false;
  }
  if (!open_at(wanted)) return false;
  for (const std::string& directory : directories) {
    if (platform::make_run_directory(directory)) continue;
    pointer_ = pointer_file(directory, platform::process_id());
    if (write_pointer(directory, platform::process_id(), address_)) break;
  }
  return true;
}

bool ControlServer::open_in(const std::string& directory) {
  if (const Error error = platform::make_run_directory(directory)) {
    add_problem(directory, error);
    return false;
  }
  for (const Candidate& other : find_candidates({directory})) {
    if (other.address.starts_with("unix:")) platform::remove_stale_socket(other.file);
  }
  const std::uint32_t process = platform::process_id();
  const std::string address = control_address(directory, process, reactor_.backend().capabilities().platform);
  if (!open_at(address)) return false;
  if (!file_.empty()) return true;
  pointer_ = pointer_file(directory, process);
  if (write_pointer(directory, process, address)) return true;
  problem_ += fmt::format("{} cannot be written", std::exchange(pointer_, {}));
  Handle handle;
  handle.native = std::exchange(listening_, no_native_handle);
  handle.kind = kind_;
  platform::close(handle);
  return false;
}

bool ControlServer::open_at(std::string address) {
  address_ = std::move(address);
  OpenSpec spec;
  spec.what = OpenSpec::What::listener;
  spec.backlog = backlog;
  spec.unix_mode = owner_only;
  if (const auto parsed = parse_address(address_)) spec.address = *parsed;
  const Platform& here = reactor_.backend().capabilities().platform;
  const bool pipe = spec.address.family == Family::named_pipe;
  const Ruling ruled = ruling(here, pipe ? Feature::named_pipes : Feature::unix_sockets);
  Handle handle;
  const Error error = ruled.allowed ? platform::open(handle, spec) : refused(ruled.rule);
  if (error) {
    add_problem(address_, error);
    return false;
  }
  kind_ = handle.kind;
  listening_ = std::exchange(handle.native, no_native_handle);
  if (!pipe) {
    file_ = spec.address.path;
    file_id_ = platform::file_id(file_);
  }
  return true;
}

Task<void> ControlServer::run() {
  proxy::ServerOptions options;
  options.listeners.push_back({0, std::exchange(listening_, no_native_handle)});
  options.handler = this;
  options.seed = seed_;
  options.log_event = [](void*, std::string_view text) noexcept { log_warn("control socket: {}", text); };
  proxy::Findings findings;
  findings.max_connections = max_clients;
  const auto snapshot = std::make_shared<const proxy::Snapshot>(control_spec(), findings);
  server_ = std::make_unique<proxy::Server>(reactor_, snapshot, options);
  auto serving = server_->run();
  const Result<void> outcome = co_await serving;
  if (!outcome) {
    remove_files();
    log_warn("the control socket {} cannot be served: {}", address_, describe(outcome.error()));
  }
  server_.reset();
}

// The file goes while the socket still listens: after that the number of the file may be another's, too.
void ControlServer::end() noexcept {
  remove_files();
  if (server_) server_->drain();
}

void ControlServer::remove_files() noexcept {
  std::error_code ignored;
  if (!file_.empty() && platform::file_id(file_) == file_id_) std::filesystem::remove(path_of(file_), ignored);
  if (!pointer_.empty()) std::filesystem::remove(path_of(pointer_), ignored);
  file_.clear();
  pointer_.clear();
}

Task<proxy::HandlerAnswer> ControlServer::handle(const proxy::HandlerRequest& request) {
  const bool stranger =
      request.connection != nullptr && platform::peer_of(*request.connection) == platform::Peer::stranger;
  if (stranger) co_return control_error(403, "only the user that weir runs as, and root, may control it");
  auto answering = answer_control(controlled_, request.head->method_text, request.path, request.body);
  proxy::HandlerAnswer answer = co_await answering;
  co_return answer;
}

}  // namespace weir::daemon
