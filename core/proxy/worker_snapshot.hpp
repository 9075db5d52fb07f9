#pragma once
// SnapshotRef: one worker's hold on a snapshot, together with what the worker has for it: its upstreams. Counted without
// atomics, since a counter that all workers change for every request would be the one thing they fight for. Never crosses
// threads; the snapshot itself does.

#include <cstdint>
#include <memory>
#include <utility>

#include "core/proxy/snapshot.hpp"
#include "core/proxy/upstream/pools.hpp"

namespace weir::proxy {

class SnapshotRef {
 public:
  explicit SnapshotRef(std::shared_ptr<const Snapshot> snapshot, Upstreams upstreams = {})
      : held_(new Held{std::move(snapshot), std::move(upstreams), 1}) {}
  SnapshotRef(const SnapshotRef& other) noexcept : held_(other.held_) { ++held_->users; }
  SnapshotRef& operator=(SnapshotRef other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~SnapshotRef() {
    if (--held_->users == 0) delete held_;
  }

  const Snapshot& operator*() const noexcept { return *held_->snapshot; }
  const Snapshot* operator->() const noexcept { return held_->snapshot.get(); }
  // The worker's own; `index` as in Spec::upstreams.
  Upstream& upstream(std::uint32_t index) const noexcept { return *held_->upstreams[index]; }
  std::uint32_t users() const noexcept { return held_->users; }  // of this worker

 private:
  struct Held {
    std::shared_ptr<const Snapshot> snapshot;
    Upstreams upstreams;
    std::uint32_t users;
  };
  Held* held_;
};

}  // namespace weir::proxy
