#pragma once
// ListenerSlots: the listeners of one worker's connections, by ListenerState::slot. A listener that is not in the new
// snapshot is retired: its connections are drained, and served until then by the last snapshot that has it. The worker's
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

  // Returns the slots that it retires.
  std::vector<std::uint32_t> adopt(const SnapshotRef& current) {
    std::vector<bool> kept(slots_.size());
    for (std::uint32_t index = 0; index < current->listeners.size(); ++index) {
      const std::uint32_t slot = current->listeners[index].state->slot;
      // Slots in between belong to listeners that this worker does not know yet.
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
  // A retired listener has no connections left: releases the old snapshot that it holds.
  void forget(std::uint32_t slot, const SnapshotRef& current) noexcept { slots_[slot] = {current, 0, true}; }

 private:
  std::vector<Slot> slots_;
};

}  // namespace weir::proxy
