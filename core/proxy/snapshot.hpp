#pragma once
// Snapshot: a Spec compiled for the data path. Immutable and shared by all workers; an exchange keeps the one it
// started with.

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/proxy/endpoint_state.hpp"
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

struct Snapshot {
  // The states of endpoints that are checked are taken from `states`, or made there. Null: nobody checks, and every
  // endpoint counts as up.
  explicit Snapshot(std::shared_ptr<const Spec> specification, EndpointStates* states = nullptr);

  static constexpr std::uint32_t none = UINT32_MAX;

  std::shared_ptr<const Spec> spec;
  // The routes of the file, then one catch-all for each listener that redirects to https or names an upstream itself
  // (the redirect comes first where both are asked for).
  RouteList routes;
  std::vector<std::uint32_t> upstream_of_route;  // index into Spec::upstreams, or none
  // By upstream, then by endpoint; nothing for an upstream without a health check.
  std::vector<std::vector<std::shared_ptr<const EndpointState>>> endpoint_states;
  Router router;
};

}  // namespace weir::proxy
