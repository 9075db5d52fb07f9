#pragma once
// Snapshot: a Spec compiled for the data path. Immutable and shared by all workers; an exchange keeps the one it
// started with.

#include <cstdint>
#include <memory>
#include <vector>

#include "core/proxy/router.hpp"
#include "core/proxy/spec.hpp"

namespace weir::proxy {

struct Snapshot {
  explicit Snapshot(std::shared_ptr<const Spec> specification);

  static constexpr std::uint32_t none = UINT32_MAX;

  std::shared_ptr<const Spec> spec;
  // The routes of the file, then one catch-all for each listener that names an upstream itself, and one for each that
  // redirects to https.
  std::vector<RouteSpec> routes;
  std::vector<std::uint32_t> upstream_of_route;  // index into Spec::upstreams, or none
  Router router;
};

}  // namespace weir::proxy
