#pragma once
// HealthChecks: checks the endpoints of one configuration, each by itself and again and again, and keeps their states.
// It runs on the control thread's reactor, once per process however many workers there are, and touches the operating
// system only through the reactor's backend.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.hpp"
#include "core/coro/scope.hpp"
#include "core/coro/semaphore.hpp"
#include "core/proxy/endpoint_state.hpp"
#include "core/proxy/health_probes.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

// What is worth telling about an endpoint. The views live as long as the call.
struct HealthEvent {
  enum class What : std::uint8_t {
    up,
    down,
    unknown,  // a check could not be made; said once, until one can
  };
  What what = What::up;
  std::string_view upstream, endpoint;
  std::string_view check;        // "tcp", "http", "script"
  std::string_view reason;       // of the last result: "status 503"
  std::string_view output;       // of a script
  std::size_t up = 0, all = 0;   // endpoints of this upstream, this one included
};

// "endpoint is down upstream=app endpoint=10.0.0.1:80 up=1/2 check=http reason="status 503"".
std::string text_of(const HealthEvent& event);

struct HealthOptions {
  std::uint64_t seed = 1;  // of the moments within their interval
  void (*happened)(void* context, const HealthEvent& event) noexcept = nullptr;
  void* context = nullptr;
};

class HealthChecks {
 public:
  HealthChecks(Reactor& reactor, std::shared_ptr<const Spec> spec, EndpointStates& states,
               const HealthOptions& options);
  HealthChecks(const HealthChecks&) = delete;
  HealthChecks& operator=(const HealthChecks&) = delete;
  ~HealthChecks();

  // Checks until stop(), then ends as soon as what runs has ended: scripts are killed with all they started.
  Task<void> run();
  void stop() noexcept { checking_.cancel(); }

  std::size_t endpoints() const noexcept { return targets_.size(); }

 private:
  struct Target;
  Task<void> watch(Target& target);
  Task<Probe> check(Target& target);
  Duration random_below(Duration bound) noexcept;
  void take_in(Target& target, const Probe& probe);
  void tell(const Target& target, HealthEvent::What what, const Probe& probe) const;

  Reactor& reactor_;
  std::shared_ptr<const Spec> spec_;
  HealthOptions options_;
  Rng rng_;
  Semaphore scripts_;
  std::vector<std::unique_ptr<Target>> targets_;
  Scope checking_;
};

}  // namespace weir::proxy
