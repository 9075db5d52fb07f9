#pragma once
// EngineWorld: the whole proxy engine between simulated clients and origins, each side on a reactor of its own in one
// SimWorld. It builds them, drives them, ends them in order and collects every broken promise as a sentence. Tests use
// it in three steps: change what is public, start(), finish(). One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/coro/scope.hpp"
#include "core/proxy/h1/upstream_stream.hpp"
#include "core/proxy/health/scheduler.hpp"
#include "core/proxy/server.hpp"
#include "core/proxy/spec.hpp"
#include "core/reactor/reactor.hpp"
#include "tests/sim/backend/sim_backend.hpp"
#include "tests/sim/backend/sim_network.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/sim_client.hpp"
#include "tests/sim/sim_origin.hpp"

namespace weir::sim {

struct EngineOptions {
  SimProfile proxy;
  SimProfile others;
  std::size_t origins = 1;
  std::size_t buffer_size = 32 * 1024;  // of the proxy
  std::size_t max_buffers = 0;
};

class EngineWorld {
 public:
  EngineWorld(std::uint64_t seed, const EngineOptions& options);
  EngineWorld(const EngineWorld&) = delete;
  EngineWorld& operator=(const EngineWorld&) = delete;
  ~EngineWorld();

  // --- before start() ---
  SimWorld world;
  Ledger ledger;
  std::shared_ptr<proxy::Spec> spec;  // one listener, one upstream with the origins
  std::vector<OriginOptions> origin_options;
  proxy::EndpointStates states;         // of endpoints with a health check
  proxy::Handler* handler = nullptr;    // of routes that are handled
  void set_client_faults(const FaultPlan& plan);  // clients to proxy
  void set_origin_faults(const FaultPlan& plan);  // proxy to origins

  void start();

  // --- while it runs ---
  proxy::Server& server() noexcept { return *server_; }
  SimOrigin& origin(std::size_t index) noexcept { return *origins_[index]; }
  Reactor& proxy_reactor() noexcept { return *proxy_; }
  Reactor& client_reactor() noexcept { return *clients_; }
  Reactor& origin_reactor() noexcept { return *origin_reactor_; }
  static SimBackend& backend_of(Reactor& reactor) noexcept { return static_cast<SimBackend&>(reactor.backend()); }
  ClientOptions client_options() const;
  void add_client(const ClientOptions& options, std::vector<PlannedExchange*> exchanges);
  bool clients_done() const noexcept { return asking_.live() == 0; }
  std::size_t clients_running() const noexcept { return asking_.live(); }
  bool run_clients(Duration limit);  // until each of them has ended
  void drain_at(TimePoint when);     // as another thread would: by an order posted to the reactor
  // The same: reloads, or prepares a configuration and abandons it.
  void reload_at(TimePoint when, std::shared_ptr<const proxy::Spec> next, bool commits = true);
  std::size_t reloads() const noexcept { return reloads_; }  // taken up
  bool server_ended() const noexcept { return server_ended_; }
  void log(std::string_view line) { log_ += line; }

  // Drains the proxy, ends the origins, and looks whether anything is left of the run.
  void finish(bool everything_succeeds);
  const std::vector<std::string>& violations() const noexcept { return ledger.violations(); }
  const std::string& log_text() const noexcept { return log_; }
  const std::string& access_log() const noexcept { return access_log_; }  // where the specification enables it

 private:
  struct DrainOrder : Posted {
    EngineWorld* world = nullptr;
  };
  struct ReloadOrder : Posted {
    EngineWorld* world = nullptr;
    std::shared_ptr<const proxy::Spec> next;
    bool commits = true;
  };
  struct AdoptOrder : Posted {  // to the checks
    EngineWorld* world = nullptr;
    std::shared_ptr<const proxy::Snapshot> snapshot;
  };
  Task<void> serve();
  std::shared_ptr<const proxy::Snapshot> compile(std::shared_ptr<const proxy::Spec> specification);
  void reload(const ReloadOrder& order);
  void start_checks();
  void expect(bool condition, std::string_view what);

  std::size_t frames_before_;
  std::unique_ptr<Reactor> origin_reactor_, clients_, proxy_, control_;
  std::vector<std::unique_ptr<SimOrigin>> origins_;
  std::vector<std::unique_ptr<SimClient>> all_clients_;
  std::shared_ptr<const proxy::Snapshot> snapshot_;
  std::unique_ptr<proxy::Server> server_;
  std::unique_ptr<proxy::h1::UpstreamSide> check_protocol_;
  std::unique_ptr<proxy::HealthScheduler> checks_;  // on control_; both exist only where something is checked
  Scope serving_, checking_, origin_scope_, asking_;
  DrainOrder drain_order_;
  std::vector<std::unique_ptr<ReloadOrder>> reload_orders_;
  std::vector<std::unique_ptr<AdoptOrder>> adopt_orders_;
  proxy::ListenerStates listener_states_;
  std::size_t reloads_ = 0;
  Address listen_;
  std::string log_;
  std::string access_log_;
  bool server_ended_ = false;
  bool finished_ = false;
};

}  // namespace weir::sim
