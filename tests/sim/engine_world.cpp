#include "tests/sim/engine_world.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/address.hpp"
#include "core/coro/frame_pool.hpp"
#include "core/proxy/snapshot.hpp"

namespace weir::sim {

using namespace std::chrono_literals;

EngineWorld::EngineWorld(std::uint64_t seed, const EngineOptions& options)
    : world(seed), ledger(seed), spec(std::make_shared<proxy::Spec>()), frames_before_(FramePool::live()) {
  ReactorOptions proxy_options;
  proxy_options.buffer_size = options.buffer_size;
  proxy_options.max_buffers = options.max_buffers;
  origin_reactor_ = std::make_unique<Reactor>(world.make_backend(options.others));
  clients_ = std::make_unique<Reactor>(world.make_backend(options.others));
  proxy_ = std::make_unique<Reactor>(world.make_backend(options.proxy), proxy_options);
  for (Reactor* reactor : {origin_reactor_.get(), clients_.get(), proxy_.get()}) world.drive(*reactor);

  proxy::ListenerSpec listener;
  listener.name = "web";
  listener.upstream = "app";
  Address any;
  any.family = Family::ipv4;
  any.port = 8080;
  listener.bind.push_back(any);
  spec->listeners.push_back(listener);
  listen_ = backend_of(*proxy_).host();
  listen_.port = 8080;

  proxy::UpstreamSpec upstream;
  upstream.name = "app";
  for (std::size_t i = 0; i < options.origins; ++i) {
    OriginOptions origin;
    origin.address = backend_of(*origin_reactor_).host();
    origin.address.port = static_cast<std::uint16_t>(9000 + i);
    origin_options.push_back(origin);
    proxy::EndpointSpec endpoint;
    endpoint.text = to_string(origin.address);
    endpoint.addresses.push_back(origin.address);
    upstream.endpoints.push_back(endpoint);
  }
  spec->upstreams.push_back(upstream);
}

EngineWorld::~EngineWorld() {
  if (!finished_) finish(false);
}

void EngineWorld::set_client_faults(const FaultPlan& plan) {
  world.set_faults(backend_of(*clients_).id(), backend_of(*proxy_).id(), plan);
}

void EngineWorld::set_origin_faults(const FaultPlan& plan) {
  world.set_faults(backend_of(*proxy_).id(), backend_of(*origin_reactor_).id(), plan);
  world.set_faults(backend_of(*proxy_).id(), 0, plan);
}

Task<void> EngineWorld::serve() {
  auto served = co_await server_->run();
  if (!served) ledger.violation(0, "the server did not start: " + describe(served.error()));
  server_ended_ = true;
}

void EngineWorld::start() {
  for (std::size_t i = 0; i < origin_options.size(); ++i) {
    origins_.push_back(std::make_unique<SimOrigin>(*origin_reactor_, ledger, origin_options[i], world.seed() + 1 + i));
    origin_scope_.spawn(origins_.back()->run());
  }
  proxy::ServerOptions options;
  options.seed = world.seed();
  options.handler = handler;
  options.context = this;
  options.log_event = [](void* context, std::string_view text) noexcept {
    auto& self = *static_cast<EngineWorld*>(context);
    self.log_ += text;
    self.log_ += '\n';
  };
  options.log_line = [](void* context, std::string_view line) noexcept {
    static_cast<EngineWorld*>(context)->access_log_ += line;
  };
  snapshot_ = compile(spec);
  server_ = std::make_unique<proxy::Server>(*proxy_, snapshot_, options);
  serving_.spawn(serve());
  start_checks();
}

std::shared_ptr<const proxy::Snapshot> EngineWorld::compile(std::shared_ptr<const proxy::Spec> specification) {
  proxy::Findings findings;
  findings.states = &states;
  findings.listeners = &listener_states_;
  return std::make_shared<const proxy::Snapshot>(std::move(specification), findings);
}

void EngineWorld::start_checks() {
  const auto& upstreams = spec->upstreams;
  if (std::none_of(upstreams.begin(), upstreams.end(), [](const auto& it) { return it.health_check.has_value(); })) return;
  control_ = std::make_unique<Reactor>(world.make_backend(backend_of(*proxy_).profile()));
  world.drive(*control_);
  proxy::HealthOptions options;
  options.seed = world.seed();
  options.context = this;
  options.report = [](void* context, const proxy::HealthEvent& event) noexcept {
    static_cast<EngineWorld*>(context)->log_ += text_of(event) + "\n";
  };
  check_protocol_ = std::make_unique<proxy::h1::UpstreamSide>(*control_);
  options.protocol = check_protocol_.get();
  checks_ = std::make_unique<proxy::HealthScheduler>(*control_, snapshot_, options);
  checking_.spawn(checks_->run());
}

ClientOptions EngineWorld::client_options() const {
  ClientOptions options;
  options.server = listen_;
  return options;
}

void EngineWorld::add_client(const ClientOptions& options, std::vector<PlannedExchange*> exchanges) {
  const std::uint64_t seed = world.seed() * 1000 + all_clients_.size();
  all_clients_.push_back(std::make_unique<SimClient>(*clients_, ledger, options, seed));
  asking_.spawn(all_clients_.back()->run(std::move(exchanges)));
}

bool EngineWorld::run_clients(Duration limit) {
  const bool ended = world.run_until([this] { return clients_done(); }, limit);
  expect(ended, "the clients never came to an end");
  return ended;
}

void EngineWorld::drain_at(TimePoint when) {
  drain_order_.world = this;
  drain_order_.run = [](Posted& posted) noexcept {
    EngineWorld& self = *static_cast<DrainOrder&>(posted).world;
    if (!self.server_ended_) self.server_->drain();
  };
  world.at(when, [this] {
    if (!server_ended_) proxy_->post(drain_order_);
  });
}

void EngineWorld::reload_at(TimePoint when, std::shared_ptr<const proxy::Spec> next, bool commits) {
  ReloadOrder& order = *reload_orders_.emplace_back(std::make_unique<ReloadOrder>());
  order.world = this;
  order.next = std::move(next);
  order.commits = commits;
  order.run = [](Posted& posted) noexcept {
    const auto& self = static_cast<ReloadOrder&>(posted);
    if (!self.world->server_ended_) self.world->reload(self);
  };
  world.at(when, [this, &order] {
    if (!server_ended_) proxy_->post(order);
  });
}

void EngineWorld::reload(const ReloadOrder& order) {
  proxy::Change change;
  change.snapshot = compile(order.next);
  for (std::uint32_t i = 0; i < change.snapshot->listeners.size(); ++i)
    change.sockets.push_back({change.snapshot->listeners[i].state->slot, no_native_handle, i});
  const auto snapshot = change.snapshot;
  if (server_->prepare(std::move(change))) return;
  if (!order.commits) return server_->abandon();
  server_->commit();
  ++reloads_;
  if (!checks_) return;
  AdoptOrder& adopt = *adopt_orders_.emplace_back(std::make_unique<AdoptOrder>());
  adopt.world = this;
  adopt.snapshot = snapshot;
  adopt.run = [](Posted& posted) noexcept {
    auto& self = static_cast<AdoptOrder&>(posted);
    if (self.world->checks_) self.world->checks_->adopt(std::move(self.snapshot));
  };
  control_->post(adopt);
}

void EngineWorld::expect(bool condition, std::string_view what) {
  if (!condition) ledger.violation(0, what);
}

void EngineWorld::finish(bool everything_succeeds) {
  finished_ = true;
  if (!server_) return;
  server_->drain();
  if (checks_) checks_->stop();
  const bool drained = world.run_until([this] { return server_ended_; }, spec->runtime.shutdown.timeout + 10min);
  expect(drained, "the server did not end");
  if (!drained) {
    server_->stop();
    const bool stopped = world.run_until([this] { return server_ended_; }, 1h);
    expect(stopped, "the server did not even stop");
  }
  expect(proxy_->in_flight() == 0, "an operation of the proxy is in flight after its end");
  expect(proxy_->buffers().in_use() == 0,
         fmt::format("{} buffers are in use after the end", proxy_->buffers().in_use()));
  expect(server_->connections() == 0, "a client connection is left");
  expect(server_->idle_upstreams() == 0, "a pooled connection is left");
  expect(backend_of(*proxy_).open_handles() == 0,
         fmt::format("{} handles of the proxy are left open", backend_of(*proxy_).open_handles()));
  for (auto& origin : origins_) origin->stop();
  const bool all_ended = world.run_until([this] { return origin_scope_.live() + asking_.live() + checking_.live() == 0; }, 24h);
  expect(all_ended, "the actors did not end");
  server_.reset();
  expect(checking_.live() == 0, "a health check goes on after its end");
  checks_.reset();
  if (control_) world.release(*control_);
  control_.reset();
  for (Reactor* reactor : {origin_reactor_.get(), clients_.get(), proxy_.get()}) world.release(*reactor);
  proxy_.reset();
  clients_.reset();
  origin_reactor_.reset();
  expect(FramePool::live() == frames_before_,
         fmt::format("{} coroutine frames are left", FramePool::live() - frames_before_));
  expect(world.open_handles() == 0, "a handle of the world is left open");
  ledger.check_end(everything_succeeds);
}

}  // namespace weir::sim
