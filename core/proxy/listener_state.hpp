#pragma once
// ListenerState: what the workers of a process share about a listener while it runs. It belongs to the listener's name, not to
// a configuration, so it outlives a reload that keeps the listener. The control thread makes it, workers read and count
// without a lock.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/proxy/known_states.hpp"

namespace weir::proxy {

class ListenerState {
 public:
  explicit ListenerState(std::uint32_t number) noexcept : slot(number) {}
  ListenerState(const ListenerState&) = delete;
  ListenerState& operator=(const ListenerState&) = delete;

  // A small number, unique while the state is referenced: workers index arrays with it.
  const std::uint32_t slot;
  std::atomic<std::uint32_t> connections{0};  // client connections now, of all workers
  std::atomic<std::uint32_t> tunnels{0};      // of those the ones that are tunnels now
};

// Hands out the state of each listener. Control thread.
class ListenerStates {
 public:
  std::shared_ptr<ListenerState> of(std::string_view listener) {
    return known_.of(std::string(listener), [this] { return std::make_shared<ListenerState>(free_slot()); });
  }

 private:
  std::uint32_t free_slot() const {
    std::vector<std::uint32_t> taken;
    known_.for_each([&](const ListenerState& state) { taken.push_back(state.slot); });
    std::sort(taken.begin(), taken.end());
    std::uint32_t slot = 0;
    for (const std::uint32_t one : taken) slot += one == slot ? 1 : 0;
    return slot;
  }

  KnownStates<std::string, ListenerState> known_;
};

}  // namespace weir::proxy
