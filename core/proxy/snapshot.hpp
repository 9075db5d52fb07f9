#pragma once
// Snapshot: a Spec compiled for the data path, together with what was found out at the start of this run. Immutable and
// shared by all workers; an exchange keeps the one it started with.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/proxy/endpoint_state.hpp"
#include "core/proxy/listener_state.hpp"
#include "core/proxy/request_texts.hpp"
#include "core/proxy/router.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

// The routes of the file as they are in the specification (a copy of ten thousand would cost megabytes), followed by
// those that weir adds.
class RouteList {
 public:
  RouteList(std::span<const RouteSpec> file, std::vector<RouteSpec> added) noexcept
      : file_(file), added_(std::move(added)) {}
  const RouteSpec& operator[](std::size_t i) const noexcept {
    return i < file_.size() ? file_[i] : added_[i - file_.size()];
  }
  std::size_t size() const noexcept { return file_.size() + added_.size(); }
  std::span<const RouteSpec> file() const noexcept { return file_; }
  std::span<const RouteSpec> added() const noexcept { return added_; }

 private:
  std::span<const RouteSpec> file_;
  std::vector<RouteSpec> added_;
};

// What a run adds to a specification, which stays as it was loaded.
struct Findings {
  // Where the states of listeners are kept, or made. Null: the snapshot makes them for itself, and no other one shares them.
  ListenerStates* listeners = nullptr;
  // Where the states of endpoints that are checked are kept, or made. Null: nobody checks, every endpoint counts as up.
  EndpointStates* states = nullptr;
  // Addresses of endpoints that are host names, by EndpointSpec::text.
  std::map<std::string, std::vector<Address>, std::less<>> addresses;
  // Bounds UpstreamSpec::max_idle, where the process cannot have as many descriptors.
  std::uint32_t max_idle = UINT32_MAX;
  std::uint32_t max_connections = 0;  // client connections of the whole process (0: unbounded)
};

struct CompiledListener {
  const ListenerSpec* spec;
  std::shared_ptr<ListenerState> state;
};

struct CompiledEndpoint {
  const EndpointSpec* spec;
  std::vector<Address> addresses;        // in the order in which they are tried
  std::shared_ptr<EndpointState> state;  // null: it is not checked, and counts as up
};

struct CompiledUpstream {
  const UpstreamSpec* spec;
  std::vector<CompiledEndpoint> endpoints;  // as in the specification
  std::uint32_t max_idle;                   // kept-alive connections per endpoint and worker
};

struct Snapshot {
  explicit Snapshot(std::shared_ptr<const Spec> specification, const Findings& findings = {});

  static constexpr std::uint32_t none = UINT32_MAX;

  std::shared_ptr<const Spec> spec;
  // The routes of the file, then one catch-all for each listener that redirects to https or names an upstream itself
  // (the redirect comes first where both are asked for).
  RouteList routes;
  std::vector<CompiledListener> listeners;       // as in the specification
  std::uint32_t max_connections;                 // client connections of the whole process (0: unbounded)
  std::vector<std::uint32_t> upstream_of_route;  // index into Spec::upstreams, or none
  std::vector<CompiledUpstream> upstreams;       // as in the specification
  RequestTexts texts;
  std::vector<PathRules> path_rules;             // those of the file, then what routes have besides; at most four differ
  Router router;
};

}  // namespace weir::proxy
