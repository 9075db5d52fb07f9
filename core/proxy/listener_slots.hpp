#pragma once
// ListenerSlots: the listeners by which the connections of one worker came, by ListenerState::slot. A listener that a new
// snapshot has not is retired: its connections end, served until then by the last snapshot that had it. The worker's
// thread only.

#include <cstdint>
#include <vector>

#include "core/proxy/worker_snapshot.hpp"

namespace weir::proxy {

class ListenerSlots {
 public:
  struct Slot {
    SnapshotRef snapshot;       // the latest that has the listener
    std::uint32_t index;        // in that snapshot
    bool retired;

    const CompiledListener& listener() const noexcept { return snapshot->listeners[index]; }
    const ListenerSpec& spec() const noexcept { return *listener().spec; }
    ListenerState& state() const noexcept { return *listener().state; }
  };

  explicit ListenerSlots(const SnapshotRef& first) { adopt(first); }

  // Returns the slots that are retired by it.
  std::vector<std::uint32_t> adopt(const SnapshotRef& current) {
    std::vector<bool> kept(slots_.size());
    for (std::uint32_t index = 0; index < current->listeners.size(); ++index) {
      const std::uint32_t slot = current->listeners[index].state->slot;
      // What is between two slots belongs to listeners that this worker has not heard of yet.
      while (slots_.size() <= slot) slots_.push_back({current, index, true});
      kept.resize(slots_.size());
      slots_[slot] = {current, index, false};
      kept[slot] = true;
    }
    std::vector<std::uint32_t> retired;
    for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
      if (kept[slot] || slots_[slot].retired) continue;
      slots_[slot].retired = true;
      retired.push_back(slot);
    }
    return retired;
  }

  const Slot& operator[](std::uint32_t slot) const noexcept { return slots_[slot]; }
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(slots_.size()); }
  // Nobody uses a retired one any more: the snapshot that it holds on to is let go.
  void forget(std::uint32_t slot, const SnapshotRef& current) noexcept { slots_[slot].snapshot = current, slots_[slot].index = 0; }

 private:
  std::vector<Slot> slots_;
};

}  // namespace weir::proxy
